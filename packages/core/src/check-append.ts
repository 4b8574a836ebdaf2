import { assertJson } from "./assert-json.ts";
import { checkName } from "./check-name.ts";
import { WaybillError } from "./errors.ts";
import type { ErasedEvent, ExpectedVersion, NewEvent } from "./ports/event-store.ts";

/**
 * What every event store refuses before it looks at its log, so that all stores refuse the same.
 * A mistake of the caller is a `TypeError`; an id that stands twice in the batch is
 * `EVENT_ID_REUSED`.
 */
export function checkAppend(
  stream: string,
  expected: ExpectedVersion,
  events: readonly NewEvent[],
): void {
  checkName("stream", stream);
  checkExpected(expected);
  if (events.length === 0) throw new TypeError(`The append to ${stream} has no events.`);
  const ids = new Set<string>();
  for (const event of events) {
    checkEvent(event);
    if (ids.has(event.id)) throw eventIdReused(event.id, stream);
    ids.add(event.id);
  }
}

/** What every event store refuses of a restoration before it looks at its log. */
export function checkRestore(stream: string, events: readonly ErasedEvent[]): void {
  checkAppend(stream, "exists", events);
  for (const { id, version } of events) {
    if (Number.isSafeInteger(version) && version > 0) continue;
    throw new TypeError(`The version ${String(version)} of event ${id} is not 1 or more.`);
  }
}

/** The error for an event that was never erased where it should be put back. */
export function restoreMismatch(stream: string, { id, version }: ErasedEvent): WaybillError {
  return new WaybillError(
    "RESTORE_MISMATCH",
    `Nothing was put back into ${stream}: the event ${id} did not stand at its version ${version}. Take the archive that was made of this stream in this store.`,
    { details: { stream, id, version } },
  );
}

/** The error for an id that stands for another event already. */
export function eventIdReused(id: string, stream: string): WaybillError {
  return new WaybillError(
    "EVENT_ID_REUSED",
    `The append to ${stream} was refused: the id ${id} belongs to another event. Give every event an id of its own, and repeat a lost append with exactly its own events.`,
    { details: { id, stream } },
  );
}

function checkExpected(expected: ExpectedVersion): void {
  if (expected === "none" || expected === "exists" || expected === "any") return;
  if (Number.isSafeInteger(expected) && expected >= 0) return;
  throw new TypeError(
    `The expected version ${String(expected)} is no version: give 0 or more, "none", "exists" or "any".`,
  );
}

function checkEvent(event: NewEvent): void {
  checkName("event id", event.id);
  checkName("event type", event.type);
  if (event.causation !== null) checkName("causation", event.causation);
  if (!Number.isSafeInteger(event.schema) || event.schema < 1) {
    throw new TypeError(
      `The schema ${String(event.schema)} of event ${event.id} is not 1 or more.`,
    );
  }
  if (!Number.isFinite(event.recordedAt)) {
    throw new TypeError(`The time ${String(event.recordedAt)} of event ${event.id} is no instant.`);
  }
  if (typeof event.mustUnderstand !== "boolean") {
    throw new TypeError(`mustUnderstand of event ${event.id} is not a boolean.`);
  }
  assertJson(event.data, `The data of event ${event.id}`);
}
