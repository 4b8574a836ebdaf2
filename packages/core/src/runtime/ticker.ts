import type { Instant } from "../ids.ts";
import type { Clock } from "../ports/clock.ts";

/** Wakes once, at the newest instant that it was given. */
export class Ticker {
  readonly #clock: Clock;
  readonly #wake: () => void;
  #cancel: () => void = () => {};

  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  /** Forgets the instant before. Without one, nothing wakes. */
  set(at: Instant | null): void {
    this.#cancel();
    if (at !== null)
      this.#cancel = this.#clock.after(Math.max(at - this.#clock.now(), 0), this.#wake);
  }
}

/** Resolves after the time has passed by this clock, or when the signal aborts. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    const stop = (): void => {
      cancel();
      resolve();
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}
