import { request as httpRequest } from "node:http";
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Credential } from "../control-words.ts";
import type { WaySpec } from "../way-spec.ts";
import type { Refusal } from "./api-error.ts";
import { errorCode } from "./error-code.ts";
import type { Flight } from "./flight.ts";
import { upstreamHeaders } from "./headers.ts";
import { tooLarge } from "./judge-request.ts";
import { passOn } from "./pass-on.ts";
import { answerRefusal } from "./refuse.ts";
import type { UpstreamAgents } from "./upstream-agents.ts";

/** How long the upstream may take to accept a connection, and may then be silent, in milliseconds. */
const CONNECT_MS = 30_000;
const SILENT_MS = 600_000;

/** One request that may pass. */
export interface ForwardOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly flight: Flight;
  readonly credential: Credential;
  readonly spec: WaySpec;
  readonly agents: UpstreamAgents;
}

/**
 * Hands a request on and streams both bodies as they come. Either side's end is the other's: a run
 * that leaves ends the upstream's work, and an answer that breaks off never looks complete.
 */
export function forward(options: ForwardOptions): void {
  const { request, response, flight, spec } = options;
  let upstream: ClientRequest | null = null;
  const fail = (refusal: Refusal): void => {
    request.pause();
    answerRefusal(response, flight, refusal, "close");
    upstream?.destroy();
  };
  // Not before the body begins: a run that only sends headers holds nothing upstream.
  const open = (): ClientRequest | null => (upstream ??= openUpstream(options, fail));

  request.on("data", (chunk: Buffer) => {
    flight.requestBytes += chunk.length;
    flight.model.take(chunk);
    if (flight.requestBytes > spec.limits.bodyBytes) return fail(tooLarge(spec));
    if (open()?.write(chunk) !== false) return;
    request.pause();
    upstream?.once("drain", () => request.resume());
  });
  request.on("end", () => open()?.end());
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
  const base = new URL(options.spec.upstream);
  const upstream = send(options, base);
  if (upstream === null) {
    fail({ status: 400, reason: "malformed", message: "a header cannot be handed on." });
    return null;
  }
  limitSilence(upstream);
  upstream.on("error", (error) => fail(upstreamRefusal(error, base)));
  upstream.on("response", (answer) => {
    answer.on("error", () => fail(brokeOff(base)));
    if (!passOn(answer, options.response, options.flight)) fail(strangeAnswer(base));
  });
  return upstream;
}

function send(options: ForwardOptions, base: URL): ClientRequest | null {
  const { request, credential, agents } = options;
  const start = base.protocol === "https:" ? httpsRequest : httpRequest;
  try {
    return start({
      agent: agents.for(base),
      hostname: base.hostname.replaceAll(/^\[|\]$/g, ""),
      port: base.port,
      method: request.method,
      path: `${base.pathname.replace(/\/$/, "")}${request.url}`,
      headers: upstreamHeaders(request.headers, credential),
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

function upstreamRefusal(error: Error, base: URL): Refusal {
  const code = errorCode(error);
  const message = `the model API at ${base.host} could not be reached (${code}).`;
  return code === "ETIMEDOUT"
    ? { status: 504, reason: "upstream-silent", message, retryAfter: 1 }
    : { status: 502, reason: `upstream-${code.toLowerCase()}`, message, retryAfter: 1 };
}

function strangeAnswer(base: URL): Refusal {
  const message = `the model API at ${base.host} gave an answer that is no HTTP.`;
  return { status: 502, reason: "upstream-strange-answer", message, retryAfter: 1 };
}

function brokeOff(base: URL): Refusal {
  const message = `the model API at ${base.host} broke off its answer.`;
  return { status: 502, reason: "upstream-broke-off", message, retryAfter: 1 };
}
