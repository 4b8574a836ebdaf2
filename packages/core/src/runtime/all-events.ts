import type { EventStore } from "../ports/event-store.ts";
import type { AllEventsOptions } from "./orchestrator.ts";
import { recordOf, type SessionRecord } from "./session-record.ts";

/** Every event of every session from a position on, then live, until a signal aborts. */
export async function* allEvents(
  store: EventStore,
  options: AllEventsOptions,
  closing: AbortSignal,
): AsyncGenerator<SessionRecord> {
  const { signal = closing, ...rest } = options;
  const either = AbortSignal.any([signal, closing]);
  for await (const page of store.subscribe({ ...rest, signal: either })) {
    for (const stored of page) {
      const record = recordOf(stored);
      if (record !== null) yield record;
    }
  }
}
