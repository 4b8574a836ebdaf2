import {
  closeSync,
  existsSync,
  fchmodSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

import { WaybillError } from "@waybill/core";

import { isPassing } from "../passing-failure.ts";
import { sequenceName } from "../sequence-name.ts";

/** How to write words. */
export interface OutboxOptions {
  /** The outbox folder. */
  readonly path: string;
  /** How many words may lie there unread before `write` waits. */
  readonly unacknowledged: number;
  /** The largest file that the host reads, in bytes. */
  readonly fileBytes: number;
}

/** The way from the agent to the host: one sequence of files. */
export interface Outbox {
  /**
   * Writes a word under the next number and resolves with it once the file has its final name.
   * Waits while too many words lie unread and while the disk is full. `onSeq` is told the number
   * before the file can be seen. Throws `WORD_TOO_LARGE` or `OUTBOX_UNWRITABLE`; the number is then
   * used by the next word.
   */
  write(type: string, data: object, onSeq?: (seq: number) => void): Promise<number>;
  /** Resolves once every write before it has ended. */
  flush(): Promise<void>;
}

/** The host takes many words at once and soon: ask soon, then ever more rarely. */
const ACKNOWLEDGEMENT_POLL_MS = { first: 2, most: 50 };
const RETRY_MS = 250;

/** Opens the outbox of a run that has said nothing yet. */
export function openOutbox(options: OutboxOptions): Outbox {
  let last = 0;
  let acknowledged = 0;
  let tail: Promise<unknown> = Promise.resolve();

  const isRoomFor = (seq: number): boolean => {
    const oldestAllowed = seq - options.unacknowledged;
    // The host removes words in order: if this one is gone, all before it are.
    if (
      oldestAllowed > acknowledged &&
      !existsSync(`${options.path}/${sequenceName(oldestAllowed)}`)
    ) {
      acknowledged = oldestAllowed;
    }
    return oldestAllowed <= acknowledged;
  };

  const writeNext = async (
    type: string,
    data: object,
    onSeq: ((seq: number) => void) | undefined,
  ): Promise<number> => {
    const seq = last + 1;
    const bytes = Buffer.from(`${JSON.stringify({ v: 1, seq, type, at: Date.now(), data })}\n`);
    if (bytes.length > options.fileBytes) {
      throw new WaybillError(
        "WORD_TOO_LARGE",
        `The word ${seq} (${type}) has ${bytes.length} bytes; the host reads at most ${options.fileBytes}. Say it in smaller parts.`,
        { details: { seq, type, bytes: bytes.length, limit: options.fileBytes } },
      );
    }
    for (let ms = ACKNOWLEDGEMENT_POLL_MS.first; !isRoomFor(seq); ms *= 2) {
      await delay(Math.min(ms, ACKNOWLEDGEMENT_POLL_MS.most));
    }
    onSeq?.(seq);
    while (!publish(options.path, sequenceName(seq), bytes)) {
      await delay(RETRY_MS);
    }
    last = seq;
    return seq;
  };

  return {
    write(type, data, onSeq) {
      const written = tail.then(() => writeNext(type, data, onSeq));
      // The failure is the caller's to handle; the queue only waits for the end.
      tail = written.catch(() => undefined);
      return written;
    },
    async flush() {
      await tail;
    },
  };
}

/** Gives the file its final name in one step. False where trying again later may help. */
function publish(folder: string, name: string, bytes: Uint8Array): boolean {
  const temporary = `${folder}/.${name}.${process.pid}.tmp`;
  try {
    const file = openSync(temporary, "w", 0o600);
    try {
      for (let done = 0; done < bytes.length;) {
        done += writeSync(file, bytes, done);
      }
      // Whatever the umask: the host may be another user.
      fchmodSync(file, 0o644);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, `${folder}/${name}`);
    return true;
  } catch (error) {
    removeIfThere(temporary);
    if (isPassing(error)) {
      return false;
    }
    throw new WaybillError(
      "OUTBOX_UNWRITABLE",
      `The word ${name} cannot be written to ${folder}: ${String(error)}. The folder must exist and be writable for uid ${process.getuid?.() ?? "of this process"}.`,
      { cause: error, details: { folder, name } },
    );
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Never made, or on a disk that takes no changes now: the host ignores names with a dot.
  }
}
