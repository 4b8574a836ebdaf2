import { archivedError, isArchived } from "../archive/archived.ts";
import type { EventStore } from "../ports/event-store.ts";
import { foldEvents } from "../session/evolve.ts";
import type { Session } from "../session/state.ts";
import { fromStored, type SessionRecord } from "./session-record.ts";

/**
 * The state after everything that is in the session's stream; the same state where nothing is new.
 * A page at a time, so that a long log needs no more memory than a short one. Throws
 * `SESSION_ARCHIVED` where the events are in an archive.
 */
export async function foldStream(
  store: EventStore,
  known: Session,
  onPage: (records: readonly SessionRecord[]) => void = () => {},
): Promise<Session> {
  let state = known;
  let archived = false;
  for await (const page of store.read(known.id, { from: known.version + 1 })) {
    archived = page.reduce(isArchived, archived);
    const records = page.map(fromStored).filter((record) => record !== null);
    const version = page.at(-1)?.version ?? state.version;
    state = { ...foldEvents(state, records), version };
    onPage(records);
  }
  // Nothing may be decided on the state of a session whose events are elsewhere.
  if (archived) throw archivedError(known.id);
  return state;
}
