import { readFileSync } from "node:fs";
import type { LeaseOrder } from "./launch-order.ts";

/** A lease that is looked after. */
export interface LeaseWatch {
  /** Whether it has ended, by a look at its file now. */
  hasEnded(): boolean;
  /** From now on, sends TERM when it has ended, and KILL after the grace, until `close`. */
  enforce(send: (signal: "SIGTERM" | "SIGKILL") => void): void;
  /** Stops looking. Gives whether the lease ended the agent. */
  close(): boolean;
}

/**
 * Looks after a lease. It has ended once its instant is past by the wall clock; and also once nobody
 * renewed it for its whole length while we looked, so that a wall clock that is set back lengthens
 * no life. Where the file cannot be read, what it said last holds.
 */
export function watchLease({ file, ms, graceMs }: LeaseOrder): LeaseWatch {
  let last: number | null = null;
  let changedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let ended = false;

  const hasEnded = (): boolean => {
    const instant = readInstant(file) ?? last;
    if (instant !== last) changedAt = performance.now();
    last = instant;
    return Date.now() >= (instant ?? 0) || performance.now() - changedAt > ms;
  };

  return {
    hasEnded,
    enforce(send) {
      const everyMs = Math.min(Math.max(ms / 20, 1_000), 5_000);
      timer = setInterval(() => {
        if (!hasEnded()) return;
        clearInterval(timer);
        ended = true;
        send("SIGTERM");
        timer = setTimeout(() => send("SIGKILL"), graceMs);
      }, everyMs);
    },
    close() {
      clearInterval(timer);
      return ended;
    },
  };
}

function readInstant(file: string): number | null {
  try {
    const text = readFileSync(file, "utf8").trim();
    return /^\d+$/.test(text) ? Number(text) : null;
  } catch {
    return null;
  }
}
