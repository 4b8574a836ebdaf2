import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { rawRefusal } from "./api-error.ts";
import type { Refusal } from "./api-error.ts";
import type { WaySpec } from "../way-spec.ts";
import type { Charge } from "./books/charge.ts";
import { beginFlight, chargeEnd } from "./flight.ts";
import type { Flight } from "./flight.ts";
import { forward } from "./forward.ts";
import { judgeRequest } from "./judge-request.ts";
import { judgeBytes, judgeSpent } from "./judge-spending.ts";
import { parserRefusal } from "./parser-refusal.ts";
import { pipelineGuard } from "./pipeline-guard.ts";
import { refuse } from "./refuse.ts";
import { routeOf } from "./route.ts";
import { wayJournal } from "./way-journal.ts";
import type { WayOptions } from "./way.ts";

/** Time to send the headers of a request, and the whole of it, in milliseconds. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 300_000;
/** A connection on which nothing has moved for so long has nobody at one of its ends. */
const SILENT_MS = 900_000;

const UPGRADE = { status: 403, reason: "upgrade", message: "protocol upgrades are not allowed." };
const TUNNEL = { status: 403, reason: "tunnel", message: "tunnels are not allowed." };
const EXPECTATION = { status: 417, reason: "expectation", message: "this Expect is not known." };
const CROWDED = {
  status: 503,
  reason: "too-many-requests",
  message: "this run has too many requests in flight.",
  // Not a 429: to the SDK that is the account's rate limit, and it may stop the conversation.
  retryAfter: 1,
};
const NO_CREDENTIAL = {
  status: 503,
  reason: "no-credential",
  message: "it was restarted and waits for its orchestrator to bring the credential again.",
  retryAfter: 2,
};

/** How long a connection that was cut off may take to read why, in milliseconds. */
const LINGER_MS = 2_000;

/** One run's HTTP server, not yet listening. */
export interface WayServer {
  readonly server: Server;
  /** Requests under way. */
  readonly flights: ReadonlySet<Flight>;
  /** Records what was only counted so far. */
  settle(): void;
}

/**
 * Makes the HTTP server of one run. Whatever writes to its socket is hostile: everything has a bound,
 * and whatever is not a plain request to an allowed path is answered in the API's shape, recorded,
 * and cut off. The run's terms are asked for with each request, so that a connection that stays open
 * cannot keep old ones.
 */
export function serveWay(options: WayOptions & { readonly terms: () => WaySpec }): WayServer {
  const { terms, ledger } = options;
  const { limits } = terms();
  const flights = new Set<Flight>();
  const journal = wayJournal(terms(), options.audit, ledger);
  const pipeline = pipelineGuard();

  const takeOff = (
    request: IncomingMessage,
    response: ServerResponse,
    charge: Charge | null,
  ): Flight => {
    const flight = beginFlight(request);
    const { socket } = request;
    const land = (): void => {
      socket.off("close", land);
      if (!flights.delete(flight)) return;
      charge?.end(chargeEnd(flight));
      journal.write(flight);
    };
    flights.add(flight);
    response.on("error", () => response.destroy());
    response.on("close", land);
    // A response that still waits behind another one is not told that its connection has ended.
    socket.on("close", land);
    return flight;
  };
  const handle = (request: IncomingMessage, response: ServerResponse, first?: Refusal): void => {
    options.heard();
    const pipelined = pipeline.enter(request, response);
    if (pipelined === "cut") return;
    const spec = terms();
    const route = routeOf(request.url ?? "", spec);
    const { upstream } = route ?? spec;
    const place = { keyring: spec.keyring, name: route?.name ?? null, upstream };
    const credential = options.credentials.get(place);
    const isModel = route?.name === null;
    const lacksKey = route?.isAuthorized === true && credential === undefined;
    const refusal =
      pipelined ??
      first ??
      judgeRequest(request, spec, route) ??
      (flights.size >= limits.requests ? CROWDED : null) ??
      (lacksKey ? NO_CREDENTIAL : null) ??
      (isModel ? judgeSpent(spec, ledger.spent) : judgeBytes(spec.budget.bytes, ledger.spent));
    if (refusal !== null || route === null) {
      const flight = takeOff(request, response, null);
      flight.upstream = route?.name ?? null;
      return refuse({ request, response, flight, limits, refusal: refusal ?? EXPECTATION });
    }
    const { prices } = spec;
    const charge = ledger.charge({
      runId: spec.runId,
      isWork: route.isWork,
      price: (model) => prices?.[model],
    });
    const flight = takeOff(request, response, charge);
    flight.upstream = route.name;
    forward({
      request,
      response,
      flight,
      charge,
      route,
      credential,
      spec,
      agents: options.agents,
      // Asked with each piece of a body: only where it matters.
      judgeBytes: () =>
        spec.budget.bytes === null ? null : judgeBytes(spec.budget.bytes, ledger.spent),
      renew: async () => credential !== undefined && options.credentials.renew(place, credential),
    });
  };
  const leaving = new WeakSet<Duplex>();
  const cutOff = (socket: Duplex, refusal: Refusal, request: IncomingMessage | null): void => {
    if (leaving.has(socket)) return;
    leaving.add(socket);
    options.heard();
    const { status, reason } = refusal;
    journal.write({ ...beginFlight(request), status, reason, outcome: "refused" });
    socket.on("error", () => socket.destroy());
    socket.end(rawRefusal(refusal));
    // Closed with something unread in it, a connection is reset, and whoever still writes may never
    // read why. It is read to its end for a moment.
    socket.resume();
    socket.once("end", () => socket.destroy());
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  };

  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: 60_000,
    connectionsCheckingInterval: 1_000,
    // What a run does not read is held for it up to here; less costs throughput.
    highWaterMark: 262_144,
  });
  server.setTimeout(SILENT_MS);
  server.maxConnections = limits.requests * 2;
  server.on("request", (request, response) => handle(request, response));
  server.on("checkExpectation", (request, response) => handle(request, response, EXPECTATION));
  server.on("upgrade", (request, socket) => cutOff(socket, UPGRADE, request));
  server.on("connect", (request, socket) => cutOff(socket, TUNNEL, request));
  server.on("clientError", (error, socket) => {
    const refusal = parserRefusal(error);
    // In the middle of an answer nothing more can be said, and who has left hears nothing.
    if (leaving.has(socket)) return;
    if (refusal === null || pipeline.isAnswering(socket) || !socket.writable) socket.destroy();
    else cutOff(socket, refusal, null);
  });
  server.on("drop", () => {
    journal.write({ ...beginFlight(null), reason: "too-many-connections", outcome: "refused" });
  });
  return { server, flights, settle: () => journal.close() };
}
