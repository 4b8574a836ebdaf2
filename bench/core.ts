import type { BenchLine } from "./bench-line.ts";
import { benchIdleSessions } from "./core/idle-sessions.ts";
import { benchOneSession } from "./core/one-session.ts";
import { benchOpening } from "./core/opening.ts";
import { benchOverhead } from "./core/overhead.ts";
import { benchPure } from "./core/pure.ts";

/** What the core costs: by itself, above its store, and as sessions grow long and many. */
export async function benchCore(): Promise<BenchLine[]> {
  return [
    ...benchPure(),
    ...(await benchOverhead()),
    ...(await benchOneSession()),
    ...(await benchIdleSessions()),
    ...(await benchOpening()),
  ];
}
