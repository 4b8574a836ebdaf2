import { WaybillError, isWaybillError } from "@waybill/core";
import type { Receipt, TrackerCall } from "@waybill/core";
import type { HttpAnswer, HttpClient, HttpRequest } from "./http-client.ts";
import { keyReused, lookUp } from "./look-up.ts";
import { refusal } from "./refusal.ts";
import type { RefusalContext } from "./refusal.ts";
import { serverSaid } from "./server-said.ts";

/**
 * What a 409 to a write means. Ours under that key: the receipt. The same key, still at work: try
 * again later. Another's: `KEY_REUSED`. No matter of keys at all: `TRACKER_CONFLICT`.
 */
export async function settleConflict(
  client: HttpClient,
  call: TrackerCall,
  answer: HttpAnswer,
  request: HttpRequest,
  context: RefusalContext,
): Promise<Receipt> {
  const said = serverSaid(answer.text);
  if (said.code === "KEY_IN_USE" || answer.retryAfterMs !== null) {
    throw new WaybillError(
      "TRACKER_KEY_IN_USE",
      `The Tracker at ${context.url} is still at work on an earlier call under the key ${call.key}. Repeat it later under the same key.`,
      {
        class: "unknown",
        ...(answer.retryAfterMs === null ? {} : { retryAfterMs: answer.retryAfterMs }),
        details: { url: context.url, key: call.key },
      },
    );
  }
  const found = await found409(client, call, context);
  if (found !== null) {
    return found;
  }
  throw aboutKeys(said.code, said.message)
    ? keyReused(call, context)
    : refusal(answer, request, context);
}

// The 409 came because something may have been done before, so a look-up that fails leaves a doubt.
async function found409(
  client: HttpClient,
  call: TrackerCall,
  context: RefusalContext,
): Promise<Receipt | null> {
  try {
    return await lookUp(client, call, context);
  } catch (error) {
    if (!isWaybillError(error) || error.code === "KEY_REUSED") {
      throw error;
    }
    if (error.code === "TRACKER_LOOKUP_UNSUPPORTED") {
      return null;
    }
    throw new WaybillError(error.code, error.message, {
      class: "unknown",
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
      details: error.details,
      cause: error,
    });
  }
}

function aboutKeys(code: string | null, message: string): boolean {
  return code === null ? /idempoten|\bkeys?\b/i.test(message) : /key|idempoten/i.test(code);
}
