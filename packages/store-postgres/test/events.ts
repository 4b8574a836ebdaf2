import type { JsonObject, NewEvent, StoredEvent } from "@waybill/core";

/** An event with a fresh id. */
export function newEvent(data: JsonObject = {}): NewEvent {
  return {
    id: crypto.randomUUID(),
    type: "Noted",
    data,
    schema: 1,
    recordedAt: 1_700_000_000_000,
    causation: null,
    mustUnderstand: true,
  };
}

/** So many events with fresh ids. */
export function newEvents(count: number): readonly NewEvent[] {
  return Array.from({ length: count }, (_, index) => newEvent({ n: index + 1 }));
}

/** All events of all pages. */
export async function all(
  pages: AsyncIterable<readonly StoredEvent[]>,
): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const page of pages) events.push(...page);
  return events;
}

/** The first so many events of a subscription. */
export async function take(
  pages: AsyncIterable<readonly StoredEvent[]>,
  count: number,
): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const page of pages) {
    events.push(...page);
    if (events.length >= count) break;
  }
  return events;
}
