import type { IncomingMessage, ServerResponse } from "node:http";
import type { WayLimits } from "../way-spec.ts";
import { refusalParts } from "./api-error.ts";
import type { Refusal, RefusalReader } from "./api-error.ts";
import type { Flight } from "./flight.ts";

/** A request, and why it is refused. */
export interface RefuseOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly flight: Flight;
  readonly refusal: Refusal;
  readonly limits: WayLimits;
}

/**
 * Refuses a request. The answer comes after the body, since a client that is still sending may take
 * an early one for a broken connection; a body beyond the limit is not waited for.
 */
export function refuse(options: RefuseOptions): void {
  const { request, response, flight, refusal, limits } = options;
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > limits.bodyBytes) return answerRefusal(response, flight, refusal, "close");
  request.on("data", (chunk: Buffer) => {
    flight.requestBytes += chunk.length;
    // For the record: what it asked for.
    flight.model.take(chunk);
    if (flight.requestBytes > limits.bodyBytes) answerRefusal(response, flight, refusal, "close");
  });
  request.on("end", () => answerRefusal(response, flight, refusal, "keep"));
  request.on("error", () => response.destroy());
}

/** Answers with the refusal, or breaks off an answer that has begun: it must not look complete. */
export function answerRefusal(
  response: ServerResponse,
  flight: Flight,
  refusal: Refusal,
  connection: "keep" | "close",
): void {
  if (response.writableEnded || response.destroyed) return;
  flight.outcome = refusal.status === 502 || refusal.status === 504 ? "failed" : "refused";
  flight.reason = refusal.reason;
  if (response.headersSent) return void response.destroy();
  flight.status = refusal.status;
  const { headers, body } = refusalParts(refusal, readerOf(response.req, flight));
  if (connection === "close") response.shouldKeepAlive = false;
  response.writeHead(refusal.status, headers).end(body);
}

function readerOf({ headers }: IncomingMessage, { upstream }: Flight): RefusalReader {
  if (upstream === null) return "sdk";
  return /\bjson\b/.test(headers.accept ?? "") ? "json" : "text";
}
