import { join } from "node:path";
import { readdirSync, renameSync } from "node:fs";

import type { Logger } from "@waybill/core";

import { sequenceName } from "../sequence-name.ts";
import { errnoOf } from "./mailbox-failure.ts";
import type { RunPaths } from "./run-paths.ts";
import type { SafeFolder } from "./safe-folder.ts";
import { writeOver } from "./write-once.ts";

/** Something that lay in the sequence and was no word. */
export interface DeadLetter {
  readonly seq: number;
  /** Where it lay, for a person. */
  readonly origin: string;
  readonly code: string;
  readonly reason: string;
  /** What it said, where it could be read within the limit. */
  readonly bytes: Uint8Array | null;
}

/** Where what was no word is kept, out of the agent's reach. */
export interface DeadLetters {
  /**
   * Writes `<seq>.json`, its content as it was, and `<seq>.error.json`. Repeating it changes
   * nothing. Beyond the limit of a run it only logs.
   */
  keep(letter: DeadLetter): void;
  /** Moves away what cannot simply be removed: a folder with things in it. False where that fails. */
  moveAside(folder: SafeFolder, name: string, seq: number): boolean;
}

/** The name of the file that says what was wrong with a dead letter. */
export function deadLetterNote(seq: number): string {
  return sequenceName(seq).replace(/json$/, "error.json");
}

/** A run that writes nonsense without end must not fill the host's disk. */
const KEPT_PER_RUN = 1_000;

/** Opens the dead letters of a run. */
export function openDeadLetters(paths: RunPaths, logger: Logger | undefined): DeadLetters {
  let kept = readdirSync(paths.deadLetters).length / 2;
  return {
    keep(letter) {
      const { seq, bytes, ...error } = letter;
      logger?.warn("The agent wrote something that is no word.", {
        path: paths.deadLetters,
        seq,
        ...error,
      });
      if (kept >= KEPT_PER_RUN) {
        return;
      }
      kept += 1;
      const name = sequenceName(seq);
      if (bytes !== null) {
        writeOver(join(paths.deadLetters, name), Buffer.from(bytes), 0o600);
      }
      const record = { v: 1, seq, ...error, content: bytes === null ? null : name, at: Date.now() };
      writeOver(
        join(paths.deadLetters, deadLetterNote(seq)),
        `${JSON.stringify(record, null, 2)}\n`,
        0o600,
      );
    },
    moveAside(folder, name, seq) {
      const target = sequenceName(seq).replace(/json$/, "folder");
      try {
        renameSync(folder.at(name), join(paths.deadLetters, target));
        return true;
      } catch (error) {
        logger?.warn("A dead letter could not be moved away.", {
          path: paths.deadLetters,
          seq,
          errno: errnoOf(error),
        });
        return false;
      }
    },
  };
}
