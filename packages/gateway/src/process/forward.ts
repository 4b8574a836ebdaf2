import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Credential } from "../control-words.ts";
import type { WaySpec } from "../way-spec.ts";
import type { Refusal } from "./api-error.ts";
import type { Charge } from "./books/charge.ts";
import type { Flight } from "./flight.ts";
import { tooLarge } from "./judge-request.ts";
import { judgeModel, needsModel } from "./judge-spending.ts";
import { receiveAnswer } from "./receive-answer.ts";
import { answerRefusal } from "./refuse.ts";
import type { Route } from "./route.ts";
import { callUpstream, upstreamRefusal } from "./upstream-call.ts";
import type { UpstreamAgents } from "./upstream-agents.ts";

/** One request that may pass, as far as its head tells. */
export interface ForwardOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly flight: Flight;
  readonly charge: Charge;
  readonly route: Route;
  /** A named upstream may need none. */
  readonly credential: Credential | undefined;
  readonly spec: WaySpec;
  readonly agents: UpstreamAgents;
  /** Says whether the session may move more bytes. */
  readonly judgeBytes: () => Refusal | null;
  /** The upstream refused the credential: resolves with whether there is another one now. */
  readonly renew: () => Promise<boolean>;
}

/**
 * Hands a request on and streams both bodies as they come. Either side's end is the other's: a run
 * that leaves ends the upstream's work, and an answer that breaks off never looks complete.
 */
export function forward(options: ForwardOptions): void {
  const { request, response, flight, charge, spec, route } = options;
  const isModel = route.name === null;
  const announced = Number(request.headers["content-length"] ?? Number.NaN);
  let upstream: ClientRequest | null = null;
  let refused: Refusal | null = null;

  const fail = (refusal: Refusal): void => {
    if (refused !== null) return;
    request.pause();
    answerRefusal(response, flight, refusal, "close");
    upstream?.destroy();
  };
  // The run's own fault: it is told once it has said all, see `refuse`.
  const reject = (refusal: Refusal): void => {
    refused = refusal;
    upstream?.destroy();
  };
  // Not before the body begins: a run that only sends headers holds nothing upstream.
  const open = (): ClientRequest | null => (upstream ??= openUpstream(options, fail));
  const send = (chunk: Buffer): void => {
    if (open()?.write(chunk) !== false) return;
    request.pause();
    upstream?.once("drain", () => request.resume());
  };

  // Where the model decides whether the request may pass, its last piece stays here until it has:
  // without it the upstream has no JSON to act on.
  const holdsBack = isModel && needsModel(spec);
  let held: Buffer | null = null;
  const hold = (chunk: Buffer): void => {
    const before = held;
    held = chunk;
    if (before !== null) send(before);
  };

  let hasBegun = false;
  const begin = (): void => {
    if (hasBegun || !isModel) return;
    hasBegun = true;
    charge.begin(flight.model.model, flight.requestBytes);
  };

  request.on("data", (chunk: Buffer) => {
    flight.requestBytes += chunk.length;
    if (flight.requestBytes > spec.limits.bodyBytes) {
      refused = null;
      return fail(tooLarge(spec));
    }
    if (refused !== null) return;
    charge.pass(chunk.length);
    if (isModel) flight.model.take(chunk);
    const refusal =
      (holdsBack ? judgeModel(spec, flight.model, false) : null) ?? options.judgeBytes();
    if (refusal !== null) return reject(refusal);
    if (holdsBack) return hold(chunk);
    if (flight.requestBytes === announced) begin();
    send(chunk);
  });
  request.on("end", () => {
    const isBodiless = flight.requestBytes === 0 && request.method !== "POST";
    if (refused === null && holdsBack && !isBodiless)
      refused = judgeModel(spec, flight.model, true);
    if (refused !== null) {
      upstream?.destroy();
      return answerRefusal(response, flight, refused, "keep");
    }
    begin();
    if (held !== null) send(held);
    open()?.end();
  });
  request.on("error", () => response.destroy());
  response.on("finish", () => void (flight.outcome ??= "answered"));
  response.on("close", () => {
    if (!response.writableFinished) upstream?.destroy();
  });
}

function openUpstream(
  options: ForwardOptions,
  fail: (refusal: Refusal) => void,
): ClientRequest | null {
  const base = new URL(options.route.upstream);
  const upstream = callUpstream({ ...options, base });
  if (upstream === null) {
    fail({ status: 400, reason: "malformed", message: "a header cannot be handed on." });
    return null;
  }
  upstream.on("error", (error) => fail(upstreamRefusal(error, base)));
  upstream.on("response", (answer) => receiveAnswer({ ...options, base, answer, fail }));
  return upstream;
}
