import type { Instant, Mark } from "@waybill/core";

import { FILE_BYTES, UNACKNOWLEDGED } from "../protocol/limits.ts";
import { readWord } from "../protocol/read-word.ts";
import { readSequenceName, sequenceName } from "../sequence-name.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { mailboxFailure } from "./mailbox-failure.ts";
import type { FolderReading, SafeFolder } from "./safe-folder.ts";
import { TICK_MS, TICK_WORDS } from "./word-source.ts";
import type { IncomingWord, Taken } from "./word-source.ts";

/** How to read a sequence. */
export interface WordSequenceOptions {
  readonly folder: SafeFolder;
  readonly deadLetters: DeadLetters;
  readonly after: Mark;
  /** How long a number may be missing, or a file be held, before the sequence goes on without it. */
  readonly patienceMs: number;
  /** Whether the agent is over, so that waiting for a missing number is in vain. */
  readonly isOver: boolean;
}

/** The words of a run in the order of their numbers. */
export interface WordSequence {
  /** Reads what comes next: some words, within a tick. */
  take(): Taken;
  /** Says that everything taken is recorded: the files go. */
  acknowledge(): void;
  /** Whether this is the name of a number that is yet to be taken. */
  isAhead(name: string): boolean;
  /** The last number that was taken. */
  readonly last: number;
}

const LISTED = 2_048;
/** Kernel clocks are this coarse at worst: a change this recent may not show in the folder's time. */
const CLOCK_GRAIN_MS = 50;

/**
 * Reads words by name, always the next number, so that order is exact and junk of any amount costs
 * nothing. A file goes only after its word is recorded; what is no word becomes an `unreadable` one
 * in its place, and numbers that stay empty a `gap`.
 */
export function wordSequence(options: WordSequenceOptions): WordSequence {
  const { folder, deadLetters, after, patienceMs, isOver } = options;
  let next = after.seq + 1;
  let taken: number[] = [];
  let waitingSince: number | null = null;
  let quietUntilChangedFrom: number | null = null;

  forget(folder, after.seq);

  const isPatienceOver = (): boolean => {
    waitingSince ??= performance.now();
    return performance.now() - waitingSince >= patienceMs;
  };

  const readNext = (): FolderReading => {
    const name = sequenceName(next);
    const reading = folder.read(name, FILE_BYTES, false);
    if (reading.type !== "busy" || !isPatienceOver()) {
      return reading;
    }
    const again = folder.read(name, FILE_BYTES, true);
    return again.type === "busy"
      ? { type: "refused", code: "HELD", reason: `It cannot be opened: ${again.reason}` }
      : again;
  };

  /** The lowest number after the missing one that is there; null for none. */
  const laterNumber = (): number | null => {
    const changedAt = folder.changedAt();
    if (quietUntilChangedFrom === changedAt) {
      return null;
    }
    const isSettled = Date.now() - changedAt > CLOCK_GRAIN_MS;
    // No agent that keeps to the protocol is further ahead than this.
    const later = lowestBetween(folder, next, next + UNACKNOWLEDGED);
    quietUntilChangedFrom = later === null && isSettled ? changedAt : null;
    return later;
  };

  const handOver = (
    reading: Extract<FolderReading, { type: "file" | "refused" }>,
  ): IncomingWord => {
    const seq = next;
    const bytes = reading.type === "file" ? reading.bytes : null;
    const word =
      reading.type === "file" ? readWord(reading.bytes, seq) : { ok: false as const, ...reading };
    if (!word.ok) {
      const { code, reason } = word;
      deadLetters.keep({ seq, origin: `outbox/${sequenceName(seq)}`, code, reason, bytes });
    }
    taken.push(seq);
    next += 1;
    return {
      type: "word",
      mark: { seq, offset: after.offset },
      at: reading.type === "file" ? instantOf(reading.changedAt) : Date.now(),
      word: word.ok ? word.value : { type: "unreadable", code: word.code, reason: word.reason },
    };
  };

  const gap = (later: number): IncomingWord => {
    next = later;
    const through = later - 1;
    const mark = { seq: through, offset: after.offset };
    return { type: "word", mark, at: Date.now(), word: { type: "gap", through } };
  };

  return {
    take() {
      const words: IncomingWord[] = [];
      const started = performance.now();
      while (words.length < TICK_WORDS && performance.now() - started < TICK_MS) {
        const reading = readNext();
        if (reading.type === "file" || reading.type === "refused") {
          words.push(handOver(reading));
          waitingSince = null;
          continue;
        }
        if (words.length > 0) {
          break;
        }
        if (reading.type === "unreachable" && isPatienceOver()) {
          throw mailboxFailure(reading.error, "read the outbox", folder.watchPath);
        }
        if (reading.type !== "absent") {
          return { words, state: "waiting" };
        }
        const later = laterNumber();
        if (later === null) {
          waitingSince = null;
          return { words, state: "empty" };
        }
        if (!isOver && !isPatienceOver()) {
          return { words, state: "waiting" };
        }
        words.push(gap(later));
        waitingSince = null;
      }
      return { words, state: "more" };
    },
    acknowledge() {
      // What cannot go now is tried again: the agent counts what lies there.
      taken = taken.filter((seq) => {
        const name = sequenceName(seq);
        return !(folder.remove(name) || deadLetters.moveAside(folder, name, seq));
      });
    },
    isAhead: (name) => (readSequenceName(name) ?? 0) >= next,
    get last() {
      return next - 1;
    },
  };
}

/** Removes what was recorded before a crash kept it from being removed: the last batch at most. */
function forget(folder: SafeFolder, through: number): void {
  const { names, all } = folder.names(LISTED);
  const first = Math.max(1, through - UNACKNOWLEDGED - TICK_WORDS);
  const recorded = all
    ? names.map(readSequenceName).filter((seq) => seq !== null && seq <= through)
    : Array.from({ length: through - first + 1 }, (_, index) => first + index);
  for (const seq of recorded) {
    folder.remove(sequenceName(seq ?? through));
  }
}

function lowestBetween(folder: SafeFolder, missing: number, through: number): number | null {
  const { names, all } = folder.names(LISTED);
  const listed = names.map(readSequenceName).filter((seq) => seq !== null && seq > missing);
  const lowest = Math.min(...listed.map((seq) => seq ?? through), through + 1);
  // A listing that was cut, or taken while files came, may lack lower ones: ask for each by name.
  const end = all && lowest > through ? missing : lowest;
  for (let seq = missing + 1; seq < end; seq += 1) {
    if (folder.look(sequenceName(seq)) !== null) {
      return seq;
    }
  }
  return lowest > through ? null : lowest;
}

/** By the kernel's clock, which the agent cannot set back or forward for a file; never ahead of ours. */
function instantOf(changedAt: number): Instant {
  return Math.min(Math.floor(changedAt), Date.now());
}
