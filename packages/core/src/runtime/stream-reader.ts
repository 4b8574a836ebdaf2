import type { SessionId } from "../ids.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { Feed } from "./feed.ts";
import { fromStored, type SessionRecord } from "./session-record.ts";

/** How to read a stream. */
export interface StreamReadOptions {
  readonly after: number;
  /** Asked each time that everything recorded has been read: whether to stop there. */
  readonly done: () => Promise<boolean>;
  readonly signal?: AbortSignal;
}

/**
 * Reads a session's events from the store, then waits for more. The feed is only a hint to look
 * again, so a slow reader holds up nobody and misses nothing.
 */
export class StreamReader {
  readonly #store: EventStore;
  readonly #feed: Feed;
  readonly #closing: AbortSignal;

  /** @param closing aborts every reading when the orchestrator goes away. */
  constructor(store: EventStore, feed: Feed, closing: AbortSignal) {
    this.#store = store;
    this.#feed = feed;
    this.#closing = closing;
  }

  /** The events after a version, in order, without end unless `done` says so or the signal aborts. */
  async *read(id: SessionId, options: StreamReadOptions): AsyncGenerator<SessionRecord> {
    const signals = [this.#closing, ...(options.signal === undefined ? [] : [options.signal])];
    const signal = AbortSignal.any(signals);
    const bell = new Bell();
    const off = this.#feed.onAppend(id, () => bell.ring());
    const ring = (): void => bell.ring();
    signal.addEventListener("abort", ring);
    try {
      for (let version = options.after; !signal.aborted;) {
        const heard = bell.next();
        const done = await options.done();
        const before = version;
        for await (const page of this.#store.read(id, { from: version + 1 })) {
          for (const stored of page) {
            if (signal.aborted) return;
            version = stored.version;
            const record = fromStored(stored);
            if (record !== null) yield record;
          }
        }
        if (version > before) continue;
        if (done) return;
        await heard;
      }
    } finally {
      off();
      signal.removeEventListener("abort", ring);
    }
  }
}

/** A hint that may be missed by nobody who asked for it before it came. */
class Bell {
  #next = Promise.withResolvers<void>();

  next(): Promise<void> {
    return this.#next.promise;
  }

  ring(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}
