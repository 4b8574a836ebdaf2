import { closeSync, fstatSync, readSync } from "node:fs";

import type { Incoming } from "@waybill/core";

import { ACTIVITY_FILE } from "../outbox-files.ts";
import { readActivity } from "../protocol/activity-schema.ts";
import { ACTIVITY_LINE_BYTES } from "../protocol/limits.ts";
import type { SafeFolder } from "./safe-folder.ts";

/** Reads what is new in the activity stream of a run. */
export interface ActivityReader {
  /** The activities since the last call, at most as many as people can follow. */
  take(): readonly Extract<Incoming, { type: "activity" }>[];
  close(): void;
}

const CHUNK_BYTES = 65_536;
/** What is further behind than this is skipped: the stream may lose, and people want the present. */
const BEHIND_BYTES = 1_048_576;
const PER_SECOND = 200;
const NEWLINE = 0x0a;

/** Opens the stream; `fromStart` for a run that nobody has watched yet, else from its present end. */
export function activityReader(folder: SafeFolder, fromStart: boolean): ActivityReader {
  let file: number | null = null;
  let inode = 0;
  let offset = 0;
  let skipToLine = false;
  let isFirstOpen = true;
  let windowStart = 0;
  let inWindow = 0;
  const buffer = Buffer.alloc(CHUNK_BYTES);

  const reopenIfReplaced = (): void => {
    const entry = folder.look(ACTIVITY_FILE);
    if (entry === null || !entry.isFile || (file !== null && entry.inode === inode)) {
      return;
    }
    closeFile();
    file = folder.open(ACTIVITY_FILE);
    inode = entry.inode;
    offset = isFirstOpen && !fromStart ? entry.size : 0;
    skipToLine = offset > 0;
    isFirstOpen = false;
  };

  const closeFile = (): void => {
    if (file !== null) {
      closeSync(file);
      file = null;
    }
  };

  const nextChunk = (): Buffer => {
    if (file === null) {
      return buffer.subarray(0, 0);
    }
    const { size } = fstatSync(file);
    if (size < offset) {
      // The agent starts the file over when it has grown large.
      offset = 0;
      skipToLine = false;
    }
    if (size - offset > BEHIND_BYTES) {
      offset = size - CHUNK_BYTES;
      skipToLine = true;
    }
    return buffer.subarray(0, readSync(file, buffer, 0, CHUNK_BYTES, offset));
  };

  const allowance = (): number => {
    if (performance.now() - windowStart > 1_000) {
      windowStart = performance.now();
      inWindow = 0;
    }
    return PER_SECOND - inWindow;
  };

  return {
    take() {
      reopenIfReplaced();
      const chunk = nextChunk();
      const complete = chunk.lastIndexOf(NEWLINE) + 1;
      if (complete === 0) {
        // A line that does not end within the longest that is read is passed over.
        const isTooLong = chunk.length > ACTIVITY_LINE_BYTES;
        offset += isTooLong ? chunk.length : 0;
        skipToLine ||= isTooLong;
        return [];
      }
      offset += complete;
      const lines = splitLines(chunk.subarray(0, complete));
      const whole = skipToLine ? lines.slice(1) : lines;
      skipToLine = false;
      const activities = whole
        .filter((line) => line.length <= ACTIVITY_LINE_BYTES)
        .slice(0, allowance())
        .map(readActivity)
        .filter((activity) => activity !== null);
      inWindow += activities.length;
      return activities.map((activity) => ({ type: "activity", activity }));
    },
    close: closeFile,
  };
}

function splitLines(bytes: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, at);
    lines.push(bytes.subarray(at, newline));
    at = newline + 1;
  }
  return lines;
}
