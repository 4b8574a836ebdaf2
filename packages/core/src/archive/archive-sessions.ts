import type { Instant, SessionId } from "../ids.ts";
import type { EventStore } from "../ports/event-store.ts";
import { foldEvents } from "../session/evolve.ts";
import type { Session } from "../session/state.ts";
import { unopened } from "../session/unopened.ts";
import { outboxSize } from "../session/outbox.ts";
import { fromStored } from "../runtime/session-record.ts";
import { SessionIndex } from "../runtime/session-index.ts";
import { isArchived, sessionArchived } from "./archived.ts";
import { lineOf } from "./exported-line.ts";

/** Which sessions to archive, and where to. */
export interface ArchiveOptions {
  /** An open store. Orchestrators may work on it meanwhile. */
  readonly store: EventStore;
  /** Only sessions that ended before this. */
  readonly endedBefore: Instant;
  /**
   * Keeps the lines of one session's archive, for instance as a file. It must resolve only once they
   * are safe: right after it, the events leave the store. Where it throws, the session stays.
   */
  readonly keep: (session: SessionId, lines: AsyncIterable<string>) => Promise<void>;
  /** The time that the tombstones say. */
  readonly now: Instant;
  readonly signal?: AbortSignal;
}

/** What became of a session that ended before the time. */
export interface Archived {
  readonly session: SessionId;
  /** How many events left the store; 0 where it stays. */
  readonly events: number;
  /** Why it stays; null where it was archived. */
  readonly stays:
    | "dead letters"
    | "open work"
    | "used meanwhile"
    | "its end is younger"
    | "erased"
    | null;
}

/**
 * Moves the events of sessions that ended long ago out of the store, one session after another.
 * Nothing leaves that somebody still needs: neither an open session, nor one with an operation that
 * was not answered, nor one with a dead letter that may be driven again. A session that is used
 * while its archive is being made stays, since its version is another one by then.
 */
export async function* archiveSessions(options: ArchiveOptions): AsyncGenerator<Archived> {
  const index = new SessionIndex(options.store);
  await index.load();
  for (const { id, ended } of index.all()) {
    options.signal?.throwIfAborted();
    if (ended) yield await archiveSession(options, id);
  }
}

async function archiveSession(options: ArchiveOptions, session: SessionId): Promise<Archived> {
  const { store, endedBefore, keep, now } = options;
  const state = await stateOf(store, session);
  const stays = reasonToStay(state, endedBefore);
  if (stays !== null) return { session, events: 0, stays };
  const { version } = state;
  const lines = new ArchiveLines(store, session, version);
  await keep(session, lines);
  if (!lines.isWhole) {
    throw new TypeError(`keep() resolved before it had taken all lines of session ${session}.`);
  }
  const result = await store.erase(session, version, sessionArchived(session, version, now));
  if (!result.ok) return { session, events: 0, stays: "used meanwhile" };
  return { session, events: version, stays: null };
}

async function stateOf(store: EventStore, session: SessionId): Promise<Session> {
  let state = unopened(session);
  let archived = false;
  for await (const page of store.read(session)) {
    archived = page.reduce(isArchived, archived);
    const records = page.map(fromStored).filter((record) => record !== null);
    state = { ...foldEvents(state, records), version: page.at(-1)?.version ?? state.version };
  }
  return archived ? unopened(session) : state;
}

function reasonToStay(state: Session, endedBefore: Instant): Archived["stays"] {
  const { life } = state;
  if (life.type === "erasing" || life.type === "erased") return "erased";
  if (life.type !== "ended") return "open work";
  if (life.at >= endedBefore) return "its end is younger";
  if (state.deadLetters.size > 0) return "dead letters";
  const openWork =
    state.run !== null ||
    outboxSize(state) > 0 ||
    state.answers.size > 0 ||
    state.messages.size > 0 ||
    state.remains.size > 0;
  return openWork ? "open work" : null;
}

/** The lines of a session up to a version: a whole export of one stream. */
class ArchiveLines implements AsyncIterable<string> {
  readonly #store: EventStore;
  readonly #session: SessionId;
  readonly #version: number;
  #isWhole = false;

  constructor(store: EventStore, session: SessionId, version: number) {
    this.#store = store;
    this.#session = session;
    this.#version = version;
  }

  /** Whether all of them were taken. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    let events = 0;
    yield lineOf({ header: { format: 1, store: this.#store.id } });
    for await (const page of this.#store.read(this.#session, { to: this.#version })) {
      for (const { position: _, ...event } of page) yield lineOf({ event });
      events += page.length;
    }
    yield lineOf({ end: { events, leases: 0, checkpoints: 0 } });
    this.#isWhole = true;
  }
}
