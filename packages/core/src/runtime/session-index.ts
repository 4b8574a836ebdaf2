import type { AgentSlug, SessionId } from "../ids.ts";
import type { EventStore } from "../ports/event-store.ts";
import { fromStored } from "./session-record.ts";

/** A session as the index knows it. */
export interface IndexedSession {
  readonly id: SessionId;
  readonly agent: AgentSlug;
  readonly ended: boolean;
}

/** Which sessions there are, and which have not ended: read from the log by three kinds of event. */
export class SessionIndex {
  readonly #store: EventStore;
  readonly #sessions = new Map<SessionId, IndexedSession>();

  constructor(store: EventStore) {
    this.#store = store;
  }

  /** Reads the log. */
  async load(): Promise<void> {
    const types = ["SessionOpened", "SessionReopened", "SessionClosed"];
    for await (const page of this.#store.readAll({ types })) {
      for (const stored of page) {
        const event = fromStored(stored);
        if (event?.type === "SessionOpened") this.add(stored.stream, event.data.agent.slug);
        else this.#mark(stored.stream, event?.type === "SessionClosed");
      }
    }
  }

  /** A session was opened. */
  add(id: SessionId, agent: AgentSlug): void {
    this.#sessions.set(id, { id, agent, ended: false });
  }

  /** Every session, the oldest first. */
  all(): readonly IndexedSession[] {
    return [...this.#sessions.values()];
  }

  /** Those that had not ended when the log was read. */
  open(): readonly IndexedSession[] {
    return this.all().filter(({ ended }) => !ended);
  }

  #mark(id: SessionId, ended: boolean): void {
    const known = this.#sessions.get(id);
    if (known !== undefined) this.#sessions.set(id, { ...known, ended });
  }
}
