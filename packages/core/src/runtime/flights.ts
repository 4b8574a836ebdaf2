import { laneOf, settlesBy, type Duty, type Effect, type Success } from "../session/effect.ts";

/** How an effect ended. `success` is null where its own reports said everything. */
export type Outcome =
  | { readonly ok: true; readonly success: Success | null }
  | { readonly ok: false; readonly error: unknown };

interface Flight {
  readonly effect: Effect;
  readonly controller: AbortController;
  readonly over: Promise<void>;
}

type CarryOut = (effect: Effect, signal: AbortSignal) => Promise<Success | null>;

/** Told how an effect ended; resolves once that is recorded. */
type Landed = (key: string, effect: Effect, outcome: Outcome) => Promise<void>;

/** The effects in flight: each key at most once, those of one lane one after the other. */
export class Flights {
  readonly #flights = new Map<string, Flight>();
  readonly #lanes = new Map<string, Promise<void>>();
  readonly #done = new Set<string>();
  readonly #landed: Landed;
  readonly #freed: () => void;
  #wanted: ReadonlySet<string> = new Set();

  /** @param freed told when a key may be started again. */
  constructor(landed: Landed, freed: () => void) {
    this.#landed = landed;
    this.#freed = freed;
  }

  /** Starts what is wanted and not in flight; cancels what can be cancelled and is wanted no more. */
  reconcile(duties: readonly Duty[], carryOut: CarryOut): void {
    this.#want(new Set(duties.map(({ key }) => key)));
    for (const duty of duties) {
      if (!("effect" in duty)) continue;
      if (this.#flights.has(duty.key) || this.#done.has(duty.key)) continue;
      this.#start(duty.key, duty.effect, carryOut);
    }
  }

  /** Wants nothing any more: cancels what can be cancelled; the rest runs out. */
  cancelAll(): void {
    this.#want(new Set());
  }

  /** Resolves once nothing is in flight and every outcome is recorded. */
  async settled(): Promise<void> {
    while (this.#flights.size > 0) {
      await Promise.all([...this.#flights.values()].map(({ over }) => over));
    }
  }

  #want(wanted: ReadonlySet<string>): void {
    this.#wanted = wanted;
    for (const key of this.#done) if (!wanted.has(key)) this.#done.delete(key);
    for (const [key, { effect, controller }] of this.#flights) {
      if (!wanted.has(key) && isCancellable(effect)) controller.abort();
    }
  }

  #start(key: string, effect: Effect, carryOut: CarryOut): void {
    const controller = new AbortController();
    const lane = laneOf(effect, key);
    const before = this.#lanes.get(lane) ?? Promise.resolve();
    const flown = before.then(() => this.#fly(key, effect, controller.signal, carryOut));
    // The lane is free once the effect is done; the key only once the outcome is recorded, or the
    // effect would be pending still and start again.
    const done = flown.then(() => undefined);
    this.#lanes.set(lane, done);
    const over = flown.then((outcome) => this.#land(key, effect, outcome));
    this.#flights.set(key, { effect, controller, over });
    void done.then(() => {
      if (this.#lanes.get(lane) === done) this.#lanes.delete(lane);
    });
  }

  async #fly(
    key: string,
    effect: Effect,
    signal: AbortSignal,
    carryOut: CarryOut,
  ): Promise<Outcome> {
    // While it waited for its lane, it may have become moot.
    if (!this.#wanted.has(key)) return moot;
    try {
      const success = await carryOut(effect, signal);
      if (settlesBy(effect) === "once" && this.#wanted.has(key)) this.#done.add(key);
      return { ok: true, success };
    } catch (error) {
      return signal.aborted ? moot : { ok: false, error };
    }
  }

  async #land(key: string, effect: Effect, outcome: Outcome): Promise<void> {
    try {
      await this.#landed(key, effect, outcome);
    } finally {
      this.#flights.delete(key);
      this.#freed();
    }
  }
}

const moot: Outcome = { ok: true, success: null };

function isCancellable(effect: Effect): boolean {
  return effect.type === "admit" || effect.type === "authorise" || settlesBy(effect) === "stream";
}
