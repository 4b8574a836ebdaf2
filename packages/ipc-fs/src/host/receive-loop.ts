import { setTimeout as pause } from "node:timers/promises";

import type { Incoming, Logger } from "@waybill/core";

import { folderPulse } from "../folder-pulse.ts";
import type { OutboxQuota } from "./folder-quota.ts";
import type { Turns } from "./turns.ts";
import type { Taken, WordSource } from "./word-source.ts";

/** How the host looks at the folders of its runs. */
export interface ReceiveSettings {
  /** Between sweeps while things happen, in milliseconds. */
  readonly sweepMs: number;
  /** Between sweeps while nothing happens, in milliseconds. */
  readonly idleSweepMs: number;
  /** Whether to watch beside sweeping. */
  readonly watch: boolean;
  /** How long a missing number is waited for, in milliseconds. */
  readonly gapMs: number;
  /** How much may lie in an outbox. */
  readonly quota: OutboxQuota;
  /** The order in which the runs of this mailbox look. */
  readonly turns: Turns;
  readonly logger: Logger | undefined;
}

/** A look that found nothing and took longer than this was made long by junk. */
const CHEAP_LOOK_MS = 0.5;
/** How long to rest after such a look, so that junk takes at most a fifth of the host's time. */
const REST_PER_LOOK = 4;

/**
 * Hands over what a source gives, batch by batch: the backlog, then `caught_up`, then what comes.
 * Being asked for the next batch says that the one before is recorded. Closes the source.
 */
export async function* receiveLoop(
  source: WordSource,
  { follow, signal }: { readonly follow: boolean; readonly signal: AbortSignal },
  settings: ReceiveSettings,
): AsyncGenerator<readonly Incoming[], void, undefined> {
  const pulse = folderPulse({
    paths: source.watchPaths,
    activeMs: settings.sweepMs,
    idleMs: settings.idleSweepMs,
    watch: settings.watch && follow,
    isHint: (name) => source.isHint(name),
    onWatchLost: (reason) =>
      settings.logger?.debug("A watch was lost; the folder is polled.", { reason }),
  });
  const onAbort = (): void => pulse.wake();
  signal.addEventListener("abort", onAbort);
  let hasCaughtUp = false;
  let isBusy = false;
  let hasFound = false;
  try {
    for (;;) {
      await settings.turns.next(isBusy);
      if (signal.aborted) {
        return;
      }
      const begun = performance.now();
      const taken = source.take();
      const costMs = performance.now() - begun;
      const batch: Incoming[] = follow ? [...source.signs(), ...taken.words] : [...taken.words];
      if (!hasCaughtUp && (taken.state === "empty" || source.isPastBacklog())) {
        hasCaughtUp = true;
        batch.push({ type: "caught_up" });
      }
      if (batch.length > 0) {
        yield batch;
        source.acknowledge();
      }
      if (taken.state === "empty" && !follow) {
        return;
      }
      isBusy = taken.words.length > 0;
      hasFound ||= isBusy;
      if (taken.words.length === 0 && costMs > CHEAP_LOOK_MS) {
        await pause(costMs * REST_PER_LOOK);
      }
      if (taken.state !== "more") {
        await pulse.next(hasFound ? "found" : lookOf(taken, batch));
        hasFound = false;
      }
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    pulse.close();
    source.close();
  }
}

function lookOf(taken: Taken, batch: readonly Incoming[]): "active" | "quiet" {
  return batch.length > 0 || taken.state === "waiting" ? "active" : "quiet";
}
