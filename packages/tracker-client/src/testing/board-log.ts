import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { WaybillError } from "@waybill/core";
import { boardEntry } from "./board-rows.ts";
import type { BoardEntry } from "./board-rows.ts";

/** Where a board's entries are kept. */
export interface BoardLog {
  /** What was there when it was opened. */
  readonly entries: readonly BoardEntry[];
  /** Returns once the entry is with the operating system: it survives this process, not the machine. */
  append(entry: BoardEntry): void;
  close(): void;
}

/**
 * Opens the board's file (one JSON line per entry, append-only; made where it is missing). A torn
 * last line is what a killed process leaves behind: it was never answered, and is cut off. Throws
 * `BOARD_FILE_INVALID` for any other line that is no entry. Without a file, entries live in memory.
 */
export function openBoardLog(file: string | undefined): BoardLog {
  if (file === undefined) {
    return { entries: [], append: () => {}, close: () => {} };
  }
  const handle = openSync(file, "a+");
  const bytes = readFileSync(handle);
  let open = true;
  let end = bytes.lastIndexOf(0x0a) + 1;
  ftruncateSync(handle, end);
  const lines = bytes.subarray(0, end).toString("utf8").split("\n").slice(0, -1);
  return {
    entries: lines.map((line, index) => readEntry(line, index, file)),
    append: (entry) => {
      // The handle's number may be another file's by now.
      if (!open) {
        throw new TypeError(`The board's file ${file} was closed.`);
      }
      const line = Buffer.from(`${JSON.stringify(entry)}\n`);
      try {
        writeAll(handle, line);
      } catch (error) {
        // A full disk leaves half a line, which the next line would make unreadable.
        ftruncateSync(handle, end);
        throw error;
      }
      end += line.length;
    },
    close: () => {
      open = false;
      closeSync(handle);
    },
  };
}

function readEntry(line: string, index: number, file: string): BoardEntry {
  try {
    const entry = boardEntry.parse(JSON.parse(line));
    if (entry.seq === index + 1) {
      return entry;
    }
  } catch (error) {
    throw invalid(file, index, error);
  }
  throw invalid(file, index, undefined);
}

function invalid(file: string, index: number, cause: unknown): WaybillError {
  return new WaybillError(
    "BOARD_FILE_INVALID",
    `Line ${index + 1} of ${file} is no entry of a reference Tracker. Give another file, or remove this one.`,
    { details: { file, line: index + 1 }, cause },
  );
}

function writeAll(handle: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(handle, bytes, written);
  }
}
