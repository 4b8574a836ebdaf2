import { followLog } from "../runtime/follow-log.ts";
import { recordOf, type SessionRecord } from "../runtime/session-record.ts";
import { systemClock } from "../runtime/system-clock.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore, StoredEvent } from "../ports/event-store.ts";
import { silentLogger, type Logger } from "../ports/logger.ts";
import type { Projection } from "./projection.ts";

/** What a view reads: an open store, or a reader of one in another process. */
export type ReadableLog = Pick<EventStore, "readAll" | "subscribe">;

/** What to make of which log. */
export interface ViewOptions<State> {
  /** An open log. The view never closes it. */
  readonly log: ReadableLog;
  readonly projection: Projection<State>;
  /** A state that was kept, with the position up to which it is true. Default: from the beginning. */
  readonly from?: { readonly state: State; readonly position: string | undefined };
  /** Default: the machine's. It times the tries to read a log that fails. */
  readonly clock?: Clock;
  /** Default: silent. */
  readonly logger?: Logger;
}

/** A projection that follows its log. Leaving its scope ends it. */
export interface View<State> extends AsyncDisposable {
  /** What the log amounts to by now. */
  readonly state: State;
  /** The position of the last event taken in: with the state, enough to go on in another process. */
  readonly position: string | undefined;
  /** Why it stands still, where the log holds what this release does not know; else null. */
  readonly failure: unknown;
  /** Calls the listener after each event that was taken in from now on. The returned function ends it. */
  onChange(listener: (event: SessionRecord) => void): () => void;
  /** Stops following. The state stays. */
  close(): Promise<void>;
}

/**
 * Opens a view: resolves once it holds everything that was in the log, and follows what is appended
 * from then on, by any process. Throws `EVENT_UNKNOWN` for a log that a newer release wrote.
 */
export async function openView<State>(options: ViewOptions<State>): Promise<View<State>> {
  const view = new LiveView(options);
  await view.catchUp();
  view.follow();
  return view;
}

class LiveView<State> implements View<State> {
  readonly #options: ViewOptions<State>;
  readonly #logger: Logger;
  readonly #listeners = new Set<(event: SessionRecord) => void>();
  readonly #closing = new AbortController();
  #state: State;
  #position: string | undefined;
  #failure: unknown = null;
  #following: Promise<void> = Promise.resolve();

  constructor(options: ViewOptions<State>) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#state = options.from?.state ?? options.projection.initial();
    this.#position = options.from?.position;
  }

  get state(): State {
    return this.#state;
  }

  get position(): string | undefined {
    return this.#position;
  }

  get failure(): unknown {
    return this.#failure;
  }

  onChange(listener: (event: SessionRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#following;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async catchUp(): Promise<void> {
    for await (const page of this.#options.log.readAll(this.#range())) {
      for (const stored of page) this.#take(stored);
    }
  }

  follow(): void {
    const { log, clock = systemClock(), projection } = this.#options;
    this.#following = followLog({
      log,
      clock,
      logger: this.#logger,
      after: this.#position,
      ...(projection.types === undefined ? {} : { types: projection.types }),
      signal: this.#closing.signal,
      onEvent: (stored) => this.#takeOrStop(stored),
    });
  }

  #range(): { after?: string; types?: readonly string[] } {
    const { types } = this.#options.projection;
    return {
      ...(this.#position === undefined ? {} : { after: this.#position }),
      ...(types === undefined ? {} : { types }),
    };
  }

  /** A view that skipped an event would be wrong for ever, so it stands still and says why. */
  #takeOrStop(stored: StoredEvent): void {
    if (this.#closing.signal.aborted) return;
    try {
      this.#take(stored);
    } catch (error) {
      this.#failure = error;
      this.#closing.abort();
      this.#logger.error("A view of the log stopped.", { error: String(error) });
    }
  }

  #take(stored: StoredEvent): void {
    const record = recordOf(stored);
    if (record !== null) this.#state = this.#options.projection.apply(this.#state, record);
    this.#position = stored.position;
    if (record !== null) for (const listener of this.#listeners) this.#tell(listener, record);
  }

  #tell(listener: (event: SessionRecord) => void, record: SessionRecord): void {
    try {
      listener(record);
    } catch (error) {
      this.#logger.error("A listener threw.", { listener: "view", error: String(error) });
    }
  }
}
