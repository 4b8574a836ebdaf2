import type { AgentSlug, SessionId } from "../ids.ts";
import type { EventStore, StoredEvent } from "../ports/event-store.ts";
import { fromStored } from "./session-record.ts";

/** A session as the index knows it. */
export interface IndexedSession {
  readonly id: SessionId;
  readonly agent: AgentSlug;
  readonly ended: boolean;
}

/** Which sessions there are, and which have not ended: read from the log by a few kinds of event. */
export class SessionIndex {
  readonly #store: EventStore;
  readonly #sessions = new Map<SessionId, IndexedSession>();

  constructor(store: EventStore) {
    this.#store = store;
  }

  /** Reads the log. Gives the position of the last event that counted, for whoever goes on from there. */
  async load(): Promise<string | undefined> {
    let position: string | undefined;
    for await (const page of this.#store.readAll({ types: [...TYPES] })) {
      for (const stored of page) this.take(stored);
      position = page.at(-1)?.position ?? position;
    }
    return position;
  }

  /** Takes in an event of the log, whoever appended it. */
  take(stored: StoredEvent): void {
    if (!TYPES.has(stored.type)) return;
    const event = fromStored(stored);
    if (event?.type === "SessionOpened") this.add(stored.stream, event.data.agent.slug);
    else if (event?.type === "SessionErased") {
      // All that a later reader of the log knows of the session.
      this.add(stored.stream, event.data.agent.slug);
      this.#mark(stored.stream, true);
    } else this.#mark(stored.stream, event?.type === "SessionClosed");
  }

  /** A session was opened. */
  add(id: SessionId, agent: AgentSlug): void {
    this.#sessions.set(id, { id, agent, ended: false });
  }

  /** Every session, the oldest first. */
  all(): readonly IndexedSession[] {
    return [...this.#sessions.values()];
  }

  /** Whether the session has ended, as far as the log was read; false where nobody knows it. */
  hasEnded(id: SessionId): boolean {
    return this.#sessions.get(id)?.ended ?? false;
  }

  /** Those that have not ended, as far as the log was read. */
  open(): readonly IndexedSession[] {
    return this.all().filter(({ ended }) => !ended);
  }

  #mark(id: SessionId, ended: boolean): void {
    const known = this.#sessions.get(id);
    if (known !== undefined) this.#sessions.set(id, { ...known, ended });
  }
}

const TYPES: ReadonlySet<string> = new Set([
  "SessionOpened",
  "SessionReopened",
  "SessionClosed",
  "ErasureRequested",
  "SessionErased",
]);
