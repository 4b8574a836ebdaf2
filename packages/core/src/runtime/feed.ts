import { EventEmitter } from "eventemitter3";
import type { SessionEventType } from "../events/catalogue.ts";
import type { SessionId } from "../ids.ts";
import type { Activity } from "../ports/agent-word.ts";
import type { Logger } from "../ports/logger.ts";
import type { SessionRecord } from "./session-record.ts";

/** Tells who listens what was recorded. For watching: orchestration reads the store. */
export class Feed {
  readonly #emitter = new EventEmitter();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Calls the listener with each event of this name. The returned function ends it. */
  on<Type extends SessionEventType>(
    type: Type,
    listener: (event: SessionRecord<Type>) => void,
  ): () => void {
    return this.#listen(`event:${type}`, listener);
  }

  /** Calls the listener after each append to the session's stream. */
  onAppend(session: SessionId, listener: () => void): () => void {
    return this.#listen(`append:${session}`, listener);
  }

  /** Calls the listener with each event, whatever its name. */
  onAny(listener: (event: SessionRecord) => void): () => void {
    return this.#listen("any", listener);
  }

  /** Calls the listener with each sign of what an agent is doing. */
  onActivity(listener: (session: SessionId, activity: Activity) => void): () => void {
    return this.#listen("activity", listener);
  }

  /** The session's stream has grown by another's hand: who reads it here looks again. */
  hint(session: SessionId): void {
    this.#emitter.emit(`append:${session}`);
  }

  /** Tells of recorded events. */
  publish(session: SessionId, events: readonly SessionRecord[]): void {
    for (const event of events) {
      this.#emitter.emit(`event:${event.type}`, event);
      this.#emitter.emit("any", event);
    }
    this.hint(session);
  }

  /** Tells of an activity. */
  publishActivity(session: SessionId, activity: Activity): void {
    this.#emitter.emit("activity", session, activity);
  }

  /** A listener that throws harms neither the others nor the orchestrator. */
  #listen(name: string, listener: (...values: never[]) => void): () => void {
    const guarded = (...values: unknown[]): void => {
      try {
        Reflect.apply(listener, undefined, values);
      } catch (error) {
        this.#logger.error("A listener threw.", { listener: name, error: String(error) });
      }
    };
    this.#emitter.on(name, guarded);
    return () => this.#emitter.off(name, guarded);
  }
}
