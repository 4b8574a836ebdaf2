import { WaybillError } from "../errors.ts";
import type { Instant, SessionId } from "../ids.ts";
import type { NewEvent, StoredEvent } from "../ports/event-store.ts";

/** The tombstone of a session whose events were archived. It is no event of the session's own life. */
export function sessionArchived(id: SessionId, version: number, now: Instant): NewEvent {
  return envelope(ARCHIVED, id, version, now);
}

/** The events of an archived session are back. */
export function sessionRestored(id: SessionId, version: number, now: Instant): NewEvent {
  return envelope(RESTORED, id, version, now);
}

/** Follows whether a stream is archived, event by event. */
export function isArchived(before: boolean, { type }: StoredEvent): boolean {
  if (type === ARCHIVED) return true;
  return type === RESTORED ? false : before;
}

/** The error of whoever wants to use an archived session. */
export function archivedError(id: SessionId): WaybillError {
  return new WaybillError(
    "SESSION_ARCHIVED",
    `Session ${id} was archived: its events are no longer in the store. Put them back with restoreSession() and the archive that was made of it, or use another id.`,
    { details: { session: id } },
  );
}

function envelope(type: string, id: SessionId, version: number, now: Instant): NewEvent {
  return {
    id: `${id}:${type}:${version}`,
    type,
    data: { through: version },
    schema: 1,
    recordedAt: now,
    causation: null,
    mustUnderstand: false,
  };
}

const ARCHIVED = "SessionArchived";
const RESTORED = "SessionRestored";
