import type { Instant } from "../../ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { RunLease } from "../../ports/run-plan.ts";

/** What a lease does to the process that it belongs to. */
export interface LeaseHolder {
  readonly lives: boolean;
  /** Asks it to end. */
  term(): void;
  kill(): void;
}

/** The lease of a fake run, looked after as a transport does: TERM when it has ended, then KILL. */
export class FakeLease {
  /** When it ends. */
  until: Instant = 0;
  /** Whether it ended its process. */
  hasEnded = false;
  readonly #terms: RunLease;
  readonly #clock: Clock;
  readonly #holder: LeaseHolder;

  constructor(terms: RunLease, clock: Clock, holder: LeaseHolder) {
    this.#terms = terms;
    this.#clock = clock;
    this.#holder = holder;
  }

  /** Lets the process live until then. An earlier instant changes nothing. */
  extend(until: Instant): void {
    if (until <= this.until) return;
    this.until = until;
    this.#clock.after(Math.max(until - this.#clock.now(), 0), () => {
      if (this.until === until && this.#holder.lives) this.#end();
    });
  }

  #end(): void {
    this.hasEnded = true;
    this.#holder.term();
    this.#clock.after(this.#terms.graceMs, () => this.#holder.kill());
  }
}
