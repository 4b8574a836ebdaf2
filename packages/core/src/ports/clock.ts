import type { Instant } from "../ids.ts";

/** Where time comes from. Tests pass a manual clock; nothing else in core reads the time. */
export interface Clock {
  /** The present instant. Never goes backwards within one process, whatever the wall clock does. */
  now(): Instant;
  /** Calls `wake` once, `delayMs` from now or later. The returned function cancels it. */
  after(delayMs: number, wake: () => void): () => void;
}
