import type { ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { JsonObject } from "@waybill/core";
import type { FaultMemory } from "./fault-memory.ts";
import type { ModelRequest } from "./model-request.ts";
import type { NextReply } from "./next-reply.ts";
import { replyMessage, replyStream } from "./reply-stream.ts";
import type { Fault } from "./script-line.ts";
import { tokensOf } from "./token-counts.ts";

/** One call of `POST /v1/messages` that is to be answered. */
export interface MessagesCall {
  readonly request: ModelRequest;
  readonly body: unknown;
  readonly next: NextReply;
  readonly response: ServerResponse;
  readonly faults: FaultMemory;
  /** Names the place in the session's script, for counting its faults. */
  readonly place: string;
  /** Called once, before the first byte goes out. */
  readonly log: (status: number, fault: boolean) => void;
}

/** Answers the call as the script's reply says, streaming or at once. Ends when the caller leaves. */
export async function answerMessages(call: MessagesCall): Promise<void> {
  const { request, next, response } = call;
  for (const [index, fault] of next.before.entries()) {
    if (call.faults.strikes(`${call.place}/before/${index}`, fault)) {
      call.log(fault.type === "fail" ? fault.status : 0, true);
      await strike(fault, response);
      return;
    }
  }
  call.log(200, false);
  if (request.stream) {
    await stream(call);
    return;
  }
  for (const part of next.parts) {
    if (part.type === "wait") await rest(part.ms, response);
  }
  sendJson(response, 200, replyMessage(request.model, next.parts, tokensOf(call.body, next.parts)));
}

/** Sends a JSON answer, unless the caller is gone. */
export function sendJson(response: ServerResponse, status: number, body: JsonObject): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

/** The API's error object for a status. */
export function apiError(status: number, message: string): JsonObject {
  return { type: "error", error: { type: ERRORS[status] ?? "api_error", message } };
}

const ERRORS: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  529: "overloaded_error",
};

async function stream(call: MessagesCall): Promise<void> {
  const { request, next, response } = call;
  response.writeHead(200, {
    "content-type": "text/event-stream",
    "cache-control": "no-cache",
    "request-id": `req_scripted_${next.played}`,
  });
  const steps = replyStream(request.model, next.parts, tokensOf(call.body, next.parts));
  for (const [index, step] of steps.entries()) {
    if (response.destroyed) return;
    if (step.type === "event") {
      await write(response, `event: ${step.name}\ndata: ${JSON.stringify(step.data)}\n\n`);
    } else if (step.type === "wait") {
      await rest(step.ms, response);
    } else if (call.faults.strikes(`${call.place}/stream/${index}`, step)) {
      await strike(step, response);
      return;
    }
  }
  response.end();
}

/** Resolves once the text is on its way, so that a break comes after what was sent before it. */
function write(response: ServerResponse, text: string): Promise<void> {
  return new Promise((resolve) => {
    // A caller who has left is no failure: the loop sees that the response is destroyed.
    response.write(text, () => resolve());
  });
}

/** Does what the fault says; resolves once nothing more will come. */
async function strike(fault: Fault, response: ServerResponse): Promise<void> {
  if (fault.type === "drop") {
    response.destroy();
    return;
  }
  if (fault.type === "hang") {
    await gone(response);
    return;
  }
  const error = apiError(fault.status, `scripted model: ${fault.status}, as the script asks`);
  if (response.headersSent) {
    response.end(`event: error\ndata: ${JSON.stringify(error)}\n\n`);
    return;
  }
  if (fault.retryAfterSeconds !== undefined) {
    response.setHeader("retry-after", String(fault.retryAfterSeconds));
  }
  if (fault.resetsInSeconds !== undefined) {
    // What the API says of a subscription's limit: the second at which it ends.
    const resets = Math.ceil(Date.now() / 1_000 + fault.resetsInSeconds);
    response.setHeader("anthropic-ratelimit-unified-status", "rejected");
    response.setHeader("anthropic-ratelimit-unified-representative-claim", "five_hour");
    response.setHeader("anthropic-ratelimit-unified-reset", String(resets));
  }
  sendJson(response, fault.status, error);
}

/** Waits, but not for a caller who has left. */
async function rest(ms: number, response: ServerResponse): Promise<void> {
  const left = new AbortController();
  const leave = (): void => left.abort();
  response.once("close", leave);
  try {
    await pause(ms, undefined, { signal: left.signal });
  } catch (error) {
    if (!left.signal.aborted) throw error;
  } finally {
    response.off("close", leave);
  }
}

function gone(response: ServerResponse): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    response.once("close", resolve);
  });
}
