import type { Instant, RunId } from "../ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Seen } from "../session/command.ts";
import type { Session } from "../session/state.ts";

/** What this process has seen of the present run: no facts, and gone after a restart. */
export class Observed {
  readonly #clock: Clock;
  #runId: RunId | null = null;
  #aliveAt: Instant | null = null;
  #caughtUpAt: Instant | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What there is to say at this instant; another run begins anew. */
  look(session: Session): Seen {
    const runId = session.run?.trace.runId ?? null;
    if (this.#runId !== runId) {
      this.#runId = runId;
      this.#aliveAt = null;
      this.#caughtUpAt = null;
    }
    const now = Math.max(this.#clock.now(), session.now);
    return { now, aliveAt: this.#aliveAt, caughtUpAt: this.#caughtUpAt };
  }

  /** The run showed life. */
  alive(session: Session): void {
    this.look(session);
    this.#aliveAt = this.#clock.now();
  }

  /** Everything that the run had said before is recorded. */
  caughtUp(session: Session): void {
    this.look(session);
    this.#caughtUpAt ??= this.#clock.now();
  }
}
