import { createHash } from "node:crypto";
import { WaybillError, failureOf } from "../errors.ts";
import type { Json, JsonObject } from "../json.ts";
import type { Clock } from "../ports/clock.ts";
import type { SubscribeOptions, TrackerEvent } from "../ports/tracker-event.ts";
import type { TellingTracker, Tracker, TrackerOperation } from "../ports/tracker.ts";
import { systemClock } from "../runtime/system-clock.ts";
import { pause } from "../runtime/ticker.ts";
import { backOff } from "../session/back-off.ts";
import { whatChanged, whereFrom, type Snapshot } from "./what-changed.ts";

/** How to look at a board that tells nothing by itself. */
export interface ReadingOptions {
  /** The chats that are read. Default: none. */
  readonly chats?: readonly string[];
  /** How often the board is read, in milliseconds. Default: 10,000. */
  readonly everyMs?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** How many messages are asked for at once. */
const pageSize = 200;

/**
 * Makes events out of `task.list` and `chat.read`, so that these two are all that a Tracker must be
 * able to do for dispatch. The cursor holds what was seen last, so nothing is kept elsewhere. Between
 * two looks a task may change twice: only what it came to is told. With no cursor the board as it is
 * counts as new, its assigned tasks too.
 */
export function tellingByReading(tracker: Tracker, options: ReadingOptions = {}): TellingTracker {
  const { chats = [], everyMs = 10_000, clock = systemClock() } = options;

  async function* subscribe({
    after,
    signal,
  }: SubscribeOptions): AsyncGenerator<TrackerEvent, void, undefined> {
    let last = whereFrom(after);
    let failures = 0;
    while (!signal.aborted) {
      let wait = everyMs;
      try {
        const seen = await look(tracker, chats, last, signal);
        failures = 0;
        for (const { event, after: next } of whatChanged(last, seen)) {
          yield event;
          last = next;
        }
        if (seen.more) wait = 0;
      } catch (error) {
        const failure = failureOf(error);
        if (signal.aborted) return;
        if (failure.class === "permanent") throw error;
        failures += 1;
        const later = backOff({ retryMs: everyMs, retryCapMs: everyMs * 30 }, failures, "reading");
        wait = Math.max(later, failure.retryAfterMs ?? 0);
      }
      if (!signal.aborted) await pause(clock, wait, signal);
    }
  }

  return {
    capabilities: tracker.capabilities,
    check: (signal) => tracker.check(signal),
    perform: (call) => tracker.perform(call),
    lookup: (call) => tracker.lookup(call),
    subscribe,
    close: () => tracker.close(),
  };
}

/** What was seen of the board, and whether a chat holds more than was read. */
export interface Seen {
  readonly tasks: readonly JsonObject[];
  /** The messages after the last one that was told, by chat. */
  readonly messages: Readonly<Record<string, readonly JsonObject[]>>;
  readonly more: boolean;
}

async function look(
  tracker: Tracker,
  chats: readonly string[],
  last: Snapshot,
  signal: AbortSignal,
): Promise<Seen> {
  const tasks = await ask(tracker, { type: "task.list" }, "tasks", signal);
  const messages: Record<string, readonly JsonObject[]> = {};
  for (const chat of chats) {
    const after = last.chats[chat];
    const from = after === undefined ? {} : { after };
    const question = { type: "chat.read", chat, limit: pageSize, ...from } as const;
    messages[chat] = await ask(tracker, question, "messages", signal);
  }
  const more = Object.values(messages).some((page) => page.length === pageSize);
  return { tasks, messages, more };
}

async function ask(
  tracker: Tracker,
  operation: TrackerOperation,
  list: string,
  signal: AbortSignal,
): Promise<readonly JsonObject[]> {
  const key = `reading/${createHash("sha256").update(JSON.stringify(operation)).digest("hex")}`;
  const by = { slug: "waybill", name: "Waybill" };
  const { data } = await tracker.perform({ key, operation, by, signal });
  const found = isObject(data) ? data[list] : undefined;
  if (!Array.isArray(found)) {
    throw new WaybillError(
      "TRACKER_ANSWER_UNREADABLE",
      `The Tracker's answer to ${operation.type} has no list "${list}". Look at what its adapter puts into the receipt.`,
      { class: "transient" },
    );
  }
  return found.filter(isObject);
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
