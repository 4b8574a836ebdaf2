import { setTimeout as wait } from "node:timers/promises";
import { failureOf } from "../../errors.ts";
import type { Receipt, Tracker, TrackerCall } from "../../ports/tracker.ts";

/** How a call came to its end, and what it took. */
export interface Performed {
  readonly receipt: Receipt;
  readonly attempts: number;
  readonly lookups: number;
}

/**
 * Repeats a call as its failures allow, the way the orchestrator does: `transient` and `rate` again,
 * `unknown` again under the same key or, where keys do not count, only after a look-up. Throws what
 * is `permanent`, and the last failure after `attempts`.
 *
 * @param options `attempts` default 50; `waitMs` caps the wait between two, default 5 ms.
 */
export async function performUntilDone(
  tracker: Tracker,
  call: TrackerCall,
  options: { readonly attempts?: number; readonly waitMs?: number } = {},
): Promise<Performed> {
  const most = options.attempts ?? 50;
  let lookups = 0;
  let inDoubt = false;
  for (let attempts = 1; ; attempts += 1) {
    try {
      if (inDoubt) {
        lookups += 1;
        const found = await tracker.lookup(call);
        if (found !== null) {
          return { receipt: found, attempts, lookups };
        }
        inDoubt = false;
      }
      return { receipt: await tracker.perform(call), attempts, lookups };
    } catch (error) {
      const failure = failureOf(error);
      if (failure.class === "permanent" || attempts >= most) {
        throw error;
      }
      inDoubt ||= failure.class === "unknown" && !tracker.capabilities.idempotencyKeys;
      await wait(Math.min(failure.retryAfterMs ?? 1, options.waitMs ?? 5));
    }
  }
}
