import type { Clock } from "../ports/clock.ts";

/** The longest delay that a timer takes, in milliseconds; later ones wake early and are set again. */
const longestDelay = 2 ** 31 - 1;

/**
 * The machine's clock. The wall clock is read once and time goes on from there by the monotonic
 * one, so that setting the wall clock back freezes no deadline.
 */
export function systemClock(): Clock {
  const startedAt = Date.now() - performance.now();
  return {
    now: () => Math.round(startedAt + performance.now()),
    after(delayMs, wake) {
      const timer = setTimeout(wake, Math.min(Math.max(delayMs, 0), longestDelay));
      return () => clearTimeout(timer);
    },
  };
}
