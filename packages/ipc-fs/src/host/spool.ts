import { randomBytes } from "node:crypto";
import { readdirSync, renameSync } from "node:fs";
import { join } from "node:path";

import type { Logger } from "@waybill/core";

import { removeEntry } from "./folder-entry.ts";
import { errnoOf } from "./mailbox-failure.ts";
import type { SafeFolder } from "./safe-folder.ts";

/** Something that was taken out of the agent's folders, under a number of its own. */
export interface SpoolEntry {
  readonly seq: number;
  /** Its file in the spool. */
  readonly name: string;
}

/** Protocol 0: gives the agent's files numbers, by moving each in one step to where only the host is. */
export interface Spool {
  /** Takes what lies in the agent's folders now; gives everything taken and not given before. */
  claim(): readonly SpoolEntry[];
  /** The next number, for a word that comes from elsewhere. */
  nextNumber(): number;
}

/** How to open a spool. */
export interface SpoolOptions {
  /** The host's own folder. */
  readonly path: string;
  /** The agent's folders. */
  readonly sources: readonly SafeFolder[];
  /** The last number that is recorded: entries up to it are removed. */
  readonly after: number;
  readonly logger: Logger | undefined;
}

/** Files that one look takes out of one folder. */
const LISTED = 2_048;

/**
 * Opens the spool. A file's number is in its name, so a crash at any moment finds the file either
 * where the agent put it or under its number. Names end in a token of this receiver, so that a host
 * that was paused and lost its session meanwhile never overwrites a claim.
 */
export function openSpool(options: SpoolOptions): Spool {
  const { path, sources, after, logger } = options;
  const token = randomBytes(4).toString("hex");
  const given = new Set<string>();
  let isFirstClaim = true;
  const stuck = new Set<string>();
  removeRecorded(path, after);
  // Number 1 is the hello that the host makes.
  let last = Math.max(1, after, ...entriesOf(path).map(({ seq }) => seq));

  const moveIn = (from: string): SpoolEntry => {
    const seq = last + 1;
    const name = `${String(seq).padStart(16, "0")}.${token}.json`;
    renameSync(from, join(path, name));
    last = seq;
    return { seq, name };
  };

  /** What an earlier receiver left; what a stale one adds, or gave a number twice, gets a new one. */
  const takeOver = (): readonly SpoolEntry[] => {
    const numbers = new Set<number>();
    return entriesOf(path)
      .filter(({ name }) => !given.has(name))
      .map((entry) => {
        const keepsNumber = isFirstClaim && !numbers.has(entry.seq);
        numbers.add(entry.seq);
        return keepsNumber ? entry : moveIn(join(path, entry.name));
      });
  };

  const claimOne = (source: SafeFolder, name: string): readonly SpoolEntry[] => {
    try {
      return [moveIn(source.at(name))];
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") {
        stuck.add(source.at(name));
        logger?.warn("A file of an agent could not be taken.", { name, errno: errnoOf(error) });
      }
      return [];
    }
  };

  return {
    claim() {
      const left = takeOver();
      isFirstClaim = false;
      const fresh = sources
        .flatMap((source) => oldNames(source).map((name) => ({ source, name })))
        .filter(({ source, name }) => !stuck.has(source.at(name)))
        .toSorted((one, other) => compareOldNames(one.name, other.name))
        .flatMap(({ source, name }) => claimOne(source, name));
      const entries = [...left, ...fresh];
      for (const { name } of entries) {
        given.add(name);
      }
      return entries;
    },
    nextNumber() {
      last += 1;
      return last;
    },
  };
}

function removeRecorded(path: string, after: number): void {
  for (const { seq, name } of entriesOf(path)) {
    if (seq <= after) {
      removeEntry(join(path, name));
    }
  }
}

function entriesOf(path: string): readonly SpoolEntry[] {
  return readdirSync(path)
    .filter((name) => /^\d{16}\.[0-9a-f]{8}\.json$/.test(name))
    .toSorted()
    .map((name) => ({ seq: Number(name.slice(0, 16)), name }));
}

function oldNames(source: SafeFolder): readonly string[] {
  return source
    .names(LISTED)
    .names.filter((name) => name.endsWith(".json") && !name.startsWith("."));
}

/** By the milliseconds that the name begins with; names without come last. */
function compareOldNames(one: string, other: string): number {
  const [left, right] = [millisecondsOf(one), millisecondsOf(other)];
  if (left !== right) {
    return left < right ? -1 : 1;
  }
  return one < other ? -1 : 1;
}

function millisecondsOf(name: string): number {
  const digits = /^\d{1,15}/.exec(name);
  return digits === null ? Number.POSITIVE_INFINITY : Number(digits[0]);
}
