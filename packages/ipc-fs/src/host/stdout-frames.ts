import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

import type { AgentWord } from "@waybill/core";

import { frameParser } from "../protocol/frame-parser.ts";
import type { Frame } from "../protocol/frame-parser.ts";
import { readFrame } from "../protocol/old-output.ts";
import { errnoOf } from "./mailbox-failure.ts";

/** A word from standard output, and where reading goes on after it. */
export interface OutputWord {
  readonly word: Extract<AgentWord, { type: "turn_ended" | "unreadable" }>;
  readonly offset: number;
}

/** Protocol 0: the words in the standard output of a run. */
export interface StdoutFrames {
  /** The words that are new; `isAtEnd` tells whether everything that is there was read. */
  take(): { readonly words: readonly OutputWord[]; readonly isAtEnd: boolean };
  close(): void;
}

const CHUNK_BYTES = 262_144;
const TICK_MS = 8;
/** Enough of what was read last to notice that it is no longer there. */
const TAIL_BYTES = 64;

/**
 * Reads frames from the file of standard output, from a recorded offset on. The run can damage its
 * own file (`echo x > /dev/stdout` truncates it): then one word says so, and reading goes on at its
 * end. Nothing is ever read twice, or what an agent prints again could settle a turn again.
 */
export function stdoutFrames(path: string, offset: number, isOver: boolean): StdoutFrames {
  const file = openLog(path);
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let parser = frameParser(offset);
  let tail: Buffer = Buffer.alloc(0);
  let isLost = false;
  let isEnded = false;

  const damage = (): string | null => {
    if (file === null) {
      return "The file is gone.";
    }
    const { size, nlink } = fstatSync(file);
    if (nlink === 0) {
      return "The file was removed.";
    }
    if (size < parser.position) {
      return `The file has ${size} bytes, of which ${parser.position} were read.`;
    }
    return isTailThere(file, parser.position, tail)
      ? null
      : "What was read from the file has changed.";
  };

  const giveUp = (reason: string): OutputWord => {
    const stats = file === null ? null : fstatSync(file);
    isLost = stats === null || stats.nlink === 0;
    // Where nothing can be read any more, the recorded offset stays.
    parser = frameParser(stats === null || isLost ? parser.position : stats.size);
    tail = Buffer.alloc(0);
    return {
      word: { type: "unreadable", code: "STDOUT_DAMAGED", reason },
      offset: parser.position,
    };
  };

  return {
    take() {
      if (isLost || isEnded) {
        return { words: [], isAtEnd: true };
      }
      const reason = damage();
      if (reason !== null || file === null) {
        return { words: [giveUp(reason ?? "The file is gone.")], isAtEnd: true };
      }
      const words: OutputWord[] = [];
      const started = performance.now();
      while (performance.now() - started < TICK_MS) {
        const chunk = buffer.subarray(0, readSync(file, buffer, 0, CHUNK_BYTES, parser.position));
        if (chunk.length === 0) {
          isEnded = isOver;
          words.push(...(isOver ? parser.end().map(wordOf) : []));
          return { words, isAtEnd: true };
        }
        words.push(...parser.push(chunk).map(wordOf));
        tail = Buffer.from(Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES));
      }
      return { words, isAtEnd: false };
    },
    close() {
      if (file !== null) {
        closeSync(file);
      }
    },
  };
}

function wordOf(frame: Frame): OutputWord {
  const reading = readFrame(frame);
  return reading.ok
    ? { word: reading.value, offset: frame.end }
    : {
        word: { type: "unreadable", code: reading.code, reason: reading.reason },
        offset: frame.end,
      };
}

/** Null where there is no file, or something else under its name: a run without a wall can do that. */
function openLog(path: string): number | null {
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  let file: number;
  try {
    file = openSync(path, flags);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ELOOP") {
      return null;
    }
    throw error;
  }
  if (fstatSync(file).isFile()) {
    return file;
  }
  closeSync(file);
  return null;
}

function isTailThere(file: number, position: number, tail: Buffer): boolean {
  const there = Buffer.alloc(tail.length);
  const read = readSync(file, there, 0, tail.length, position - tail.length);
  return read === tail.length && there.equals(tail);
}
