import { WaybillError, failureOf, isWaybillError } from "@waybill/core";
import type { TrackerEvent } from "@waybill/core";
import { answerJson } from "../answer-json.ts";
import { refusal } from "../refusal.ts";
import { read } from "../tracker-request.ts";
import { eventPageShape } from "./event-shapes.ts";
import type { ToldPage } from "./event-shapes.ts";
import type { FollowParts } from "./follow.ts";
import type { InOrder } from "./in-order.ts";

/** How asking ended. */
export type Asked =
  | { readonly type: "done"; readonly websocket: boolean | null }
  | { readonly type: "failed"; readonly code: string; readonly retryAfterMs: number };

/**
 * Asks for pages of events until there is no more. Throws what waiting cannot mend: no events at
 * this board (`TRACKER_EVENTS_UNSUPPORTED`), a cursor that it never gave (`TRACKER_CURSOR_UNKNOWN`),
 * a token that it does not know.
 */
export async function* askForEvents(
  parts: FollowParts,
  order: InOrder,
  signal: AbortSignal,
): AsyncGenerator<TrackerEvent, Asked, undefined> {
  for (;;) {
    let page: ToldPage;
    try {
      page = await askForPage(parts, order.last, signal);
    } catch (error) {
      if (isWaybillError(error) && error.class === "permanent") throw error;
      const { code, retryAfterMs = 0 } = failureOf(error);
      return { type: "failed", code, retryAfterMs };
    }
    order.beginAt(page.events[0]?.previous ?? null);
    let passed = 0;
    for (const told of page.events) {
      for (const event of order.offer(told)) {
        yield event;
        passed += 1;
      }
    }
    const gap = order.waits || (page.events.length > 0 && passed === 0);
    order.dropWaiting();
    if (gap) return { type: "failed", code: "TRACKER_EVENTS_MISSING", retryAfterMs: 0 };
    if (!page.more || signal.aborted) return { type: "done", websocket: page.websocket };
  }
}

async function askForPage(
  parts: FollowParts,
  after: string | null,
  signal: AbortSignal,
): Promise<ToldPage> {
  const { url } = parts;
  const request = read("events", after === null ? {} : { after });
  const answer = await parts.client(request, signal);
  if (answer.status === 200) {
    return answerJson(eventPageShape, answer, request, url);
  }
  if ([404, 405, 501].includes(answer.status)) {
    throw new WaybillError(
      "TRACKER_EVENTS_UNSUPPORTED",
      `The Tracker at ${url} tells nothing of what happens there: it has no /api/v1/events. Follow it with tellingByReading instead.`,
      { details: { url, status: answer.status } },
    );
  }
  if (answer.status === 410) {
    throw new WaybillError(
      "TRACKER_CURSOR_UNKNOWN",
      `The Tracker at ${url} does not know the place ${after ?? ""} from which to go on: it is another board, or one that was put back. Begin without a cursor, or with one of its own.`,
      { details: { url, after } },
    );
  }
  throw refusal(answer, request, { url, keys: true });
}
