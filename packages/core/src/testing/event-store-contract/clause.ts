import assert from "node:assert/strict";
import type { EventStoreFixture } from "../event-store-contract.ts";
import type { JsonObject } from "../../json.ts";
import type { AppendResult, EventStore, NewEvent, StoredEvent } from "../../ports/event-store.ts";

/** A promise in words, and the test of it. */
export type StoreClause = readonly [
  name: string,
  run: (store: EventStore, fixture: EventStoreFixture) => Promise<void>,
];

/** An event with a fresh id. */
export function newEvent(data: JsonObject = {}, type: string = "Noted"): NewEvent {
  return {
    id: crypto.randomUUID(),
    type,
    data,
    schema: 1,
    recordedAt: 1_700_000_000_000,
    causation: null,
    mustUnderstand: true,
  };
}

/** So many events, each with its number from 1 as `data.n`. */
export function newEvents(count: number): readonly NewEvent[] {
  return Array.from({ length: count }, (_, index) => newEvent({ n: index + 1 }));
}

/** The events of an append that must have succeeded. */
export function appended(result: AppendResult): readonly StoredEvent[] {
  assert.ok(result.ok, `The append was refused: ${JSON.stringify(result)}`);
  return result.events;
}

/** All events of all pages. */
export async function all(
  pages: AsyncIterable<readonly StoredEvent[]>,
): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const page of pages) events.push(...page);
  return events;
}

/** The first events of a subscription, and of what came in the same page with the last of them. */
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

/** Ends what would otherwise hang, so that the clause fails with what it has. */
export function deadline(): AbortSignal {
  return AbortSignal.timeout(20_000);
}

/** The ids, for a short comparison. */
export function idsOf(events: readonly { readonly id: string }[]): readonly string[] {
  return events.map((event) => event.id);
}

/** Whether the rejection carries this code of ours. */
export function withCode(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(
      error instanceof Error && "code" in error,
      `Expected an error with the code ${code}, got ${String(error)}`,
    );
    assert.equal(error.code, code);
    return true;
  };
}
