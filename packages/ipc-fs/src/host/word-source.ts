import type { Incoming } from "@waybill/core";

/** A word on its way to core. */
export type IncomingWord = Extract<Incoming, { type: "word" }>;

/** What one look gave. */
export interface Taken {
  readonly words: readonly IncomingWord[];
  /** `empty`: nothing lies there. `waiting`: something does, but not yet what is next. `more`: go on. */
  readonly state: "empty" | "waiting" | "more";
}

/** Where the words of one run come from, whatever protocol it speaks. */
export interface WordSource {
  /** What to watch, for hints. */
  readonly watchPaths: readonly string[];
  /** Whether a change of this name in a watched folder is worth a look at once. */
  isHint(name: string): boolean;
  /** Reads what comes next: some words, within a tick. */
  take(): Taken;
  /** Says that everything taken is recorded, so that it can go. */
  acknowledge(): void;
  /** What else the run shows: life, activity. Never recorded. */
  signs(): readonly Incoming[];
  /** Whether more was taken than can have lain there when the receiving began. */
  isPastBacklog(): boolean;
  close(): void;
}

/** One tick of one run: enough for throughput, little enough that no other run notices. */
export const TICK_MS = 8;
/** The most words of one tick. */
export const TICK_WORDS = 256;
