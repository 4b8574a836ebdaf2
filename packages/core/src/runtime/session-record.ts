import { WaybillError } from "../errors.ts";
import {
  eventSchemas,
  type EventOf,
  type SessionEvent,
  type SessionEventType,
} from "../events/catalogue.ts";
import { upcast } from "../events/upcast.ts";
import type { Instant, SessionId } from "../ids.ts";
import type { Json } from "../json.ts";
import type { EventStore, NewEvent, StoredEvent } from "../ports/event-store.ts";

/** An event as users see it: typed by its name, with its place in the log. */
export type SessionRecord<Type extends SessionEventType = SessionEventType> = {
  [Each in Type]: EventOf<Each> & Omit<StoredEvent, "type" | "data">;
}[Type];

/** A new event's envelope. */
export function toNewEvent(
  event: SessionEvent,
  envelope: {
    readonly id: string;
    readonly recordedAt: Instant;
    readonly causation: string | null;
  },
): NewEvent {
  return {
    ...envelope,
    type: event.type,
    // Every event's data is JSON-safe by its type; the store checks it once more.
    data: event.data as unknown as Json,
    schema: eventSchemas[event.type],
    mustUnderstand: true,
  };
}

/**
 * A stored event as one of ours; null for one that this release does not know and may pass over.
 * Throws `EVENT_UNKNOWN` for one that must be understood: skipping an unknown receipt would deliver
 * twice, so a log that a newer release wrote is never acted on.
 */
export function fromStored(stored: StoredEvent): SessionRecord | null {
  const known = (eventSchemas as Readonly<Record<string, number | undefined>>)[stored.type];
  if (known !== undefined && stored.schema <= known) {
    if (stored.schema === known) return stored as unknown as SessionRecord;
    const data = upcast(stored.type as SessionEventType, stored.schema, stored.data);
    return { ...stored, schema: known, data } as unknown as SessionRecord;
  }
  if (!stored.mustUnderstand) return null;
  throw unknownEvent(stored.stream, stored);
}

/** As `fromStored`; null too for the events of streams that are no session's, such as the dispatcher's. */
export function recordOf(stored: StoredEvent): SessionRecord | null {
  return isSessionStream(stored.stream) ? fromStored(stored) : null;
}

/** Streams of other things have a name that no session can have. */
function isSessionStream(stream: string): boolean {
  return !stream.startsWith("$");
}

function unknownEvent(session: SessionId, stored: StoredEvent): WaybillError {
  return new WaybillError(
    "EVENT_UNKNOWN",
    `Session ${session} holds a ${stored.type} of schema ${stored.schema} at version ${stored.version}, which this release does not know. Use the release that wrote it, or a later one.`,
    { details: { type: stored.type, schema: stored.schema, version: stored.version } },
  );
}

/** Whether the session's stream has the event: for rare questions, since it reads all of it. */
export async function hasEvent(
  store: EventStore,
  id: SessionId,
  eventId: string,
): Promise<boolean> {
  for await (const page of store.read(id)) {
    if (page.some((event) => event.id === eventId)) return true;
  }
  return false;
}
