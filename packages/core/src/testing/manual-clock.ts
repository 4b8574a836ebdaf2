import type { Instant } from "../ids.ts";
import type { Clock } from "../ports/clock.ts";

/** A clock that stands still until it is told to go on. */
export interface ManualClock extends Clock {
  /** Lets time pass: wakes everything that falls due, in order, and waits for what follows from it. */
  advance(by: {
    readonly ms?: number;
    readonly seconds?: number;
    readonly minutes?: number;
  }): Promise<void>;
  /** Waits until nothing is left to do at this instant. */
  settle(): Promise<void>;
}

/** How patient a manual clock is. */
export interface ManualClockOptions {
  /**
   * How many rounds of the event loop are enough for what follows from one timer. Default 25, for
   * tests that touch files or sockets; where everything is in memory, 2 are plenty.
   */
  readonly rounds?: number;
}

interface Timer {
  readonly id: number;
  readonly at: Instant;
  readonly wake: () => void;
}

/** A manual clock. Default start: 2026-01-01T00:00:00Z. */
export function manualClock(
  start: Instant = Date.UTC(2026, 0, 1),
  { rounds = 25 }: ManualClockOptions = {},
): ManualClock {
  const timers = new Map<number, Timer>();
  let now = start;
  let last = 0;

  const settle = async (): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
  };
  const takeDue = (until: Instant): Timer | undefined => {
    const due = [...timers.values()].filter(({ at }) => at <= until);
    const first = due.toSorted((one, other) => one.at - other.at || one.id - other.id)[0];
    if (first !== undefined) timers.delete(first.id);
    return first;
  };

  return {
    now: () => now,
    after(delayMs, wake) {
      last += 1;
      const id = last;
      timers.set(id, { id, at: now + Math.max(delayMs, 0), wake });
      return () => timers.delete(id);
    },
    settle,
    async advance({ ms = 0, seconds = 0, minutes = 0 }) {
      const until = now + ms + seconds * 1_000 + minutes * 60_000;
      await settle();
      for (let timer = takeDue(until); timer !== undefined; timer = takeDue(until)) {
        now = Math.max(now, timer.at);
        timer.wake();
        await settle();
      }
      now = until;
      await settle();
    },
  };
}
