import { WaybillError, type WaybillErrorOptions } from "../errors.ts";
import type { SessionEvent } from "../events/catalogue.ts";
import type { Instant } from "../ids.ts";
import { Draft } from "./draft.ts";
import { applyTo } from "./evolve.ts";
import type { Session } from "./state.ts";

/** A decision in the making: the events so far, and the state that they lead to. */
export class Decision {
  /** The instant of the decision: never before the last event. */
  readonly now: Instant;
  readonly events: SessionEvent[] = [];
  readonly #draft: Draft;

  constructor(base: Session, at: Instant) {
    this.now = Math.max(base.now, at);
    this.#draft = new Draft(base);
  }

  /** The state after the events so far. */
  get state(): Session {
    return this.#draft.state;
  }

  /** Records a fact; the state follows at once. */
  emit<E extends SessionEvent>(type: E["type"], data: E["data"]): void {
    const event = { type, data } as SessionEvent;
    this.events.push(event);
    applyTo(this.#draft, { ...event, recordedAt: this.now });
  }

  /** The error that refuses the command; nothing of the decision is kept. */
  refusal(code: string, message: string, options: WaybillErrorOptions = {}): WaybillError {
    return new WaybillError(code, message, {
      ...options,
      details: { sessionId: this.state.id, ...options.details },
    });
  }
}
