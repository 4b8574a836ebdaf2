import { request as httpRequest } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Credential } from "../control-words.ts";
import type { Refusal } from "./api-error.ts";
import { errorCode } from "./error-code.ts";
import { namedHeaders, upstreamHeaders } from "./headers.ts";
import type { Route } from "./route.ts";
import type { UpstreamAgents } from "./upstream-agents.ts";

/** How long the upstream may take to accept a connection, and may then be silent, in milliseconds. */
const CONNECT_MS = 30_000;
const SILENT_MS = 600_000;

/** A request that goes on. */
export interface UpstreamCall {
  readonly request: IncomingMessage;
  readonly route: Route;
  readonly credential: Credential | undefined;
  readonly agents: UpstreamAgents;
  /** The upstream's address. */
  readonly base: URL;
}

/** Begins the call; null where a header cannot be sent. Silence without end is an error. */
export function callUpstream(call: UpstreamCall): ClientRequest | null {
  const upstream = send(call);
  if (upstream !== null) limitSilence(upstream);
  return upstream;
}

/** What the run is told of an upstream that could not be asked. */
export function upstreamRefusal(error: Error, base: URL): Refusal {
  const code = errorCode(error);
  const message = `${base.host} could not be reached (${code}).`;
  return code === "ETIMEDOUT"
    ? { status: 504, reason: "upstream-silent", message, retryAfter: 1 }
    : { status: 502, reason: `upstream-${code.toLowerCase()}`, message, retryAfter: 1 };
}

function send({ request, route, credential, agents, base }: UpstreamCall): ClientRequest | null {
  const start = base.protocol === "https:" ? httpsRequest : httpRequest;
  try {
    return start({
      agent: agents.for(base),
      hostname: base.hostname.replaceAll(/^\[|\]$/g, ""),
      port: base.port,
      method: request.method,
      path: `${base.pathname.replace(/\/$/, "")}${route.target}`,
      headers:
        route.name === null && credential !== undefined
          ? upstreamHeaders(request.headers, credential)
          : namedHeaders(request.headers, credential),
    });
  } catch {
    return null; // A header that our own parser took and Node's client does not: the run's mistake.
  }
}

function limitSilence(upstream: ClientRequest): void {
  const late = (): void => void upstream.destroy(new UpstreamSilent("it did not answer in time"));
  const connecting = setTimeout(late, CONNECT_MS);
  upstream.on("socket", (socket) => {
    if (!socket.connecting) clearTimeout(connecting);
    socket.once("connect", () => clearTimeout(connecting));
  });
  upstream.on("close", () => clearTimeout(connecting));
  upstream.setTimeout(SILENT_MS, late);
}

class UpstreamSilent extends Error {
  readonly code = "ETIMEDOUT";
}
