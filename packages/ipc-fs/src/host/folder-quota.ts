import { WaybillError } from "@waybill/core";

import type { SafeFolder } from "./safe-folder.ts";

/** How much an agent may let lie in its outbox. */
export interface OutboxQuota {
  /** Names, whatever they are. Default: 100,000. */
  readonly entries: number;
  /** Bytes that they take on the disk; what lies in folders of the agent's own is not seen. Default: 1 GiB. */
  readonly bytes: number;
}

/** Counts what lies in a folder. */
export interface FolderQuota {
  /** One step. Throws `OUTBOX_OVER_QUOTA` once too much was counted. */
  check(): void;
  close(): void;
}

/** Between the end of one count and the beginning of the next. */
const EVERY_MS = 1_000;
/** The same for a folder in which no name has come or gone, where only a file can have grown. */
const UNCHANGED_EVERY_MS = 5_000;
/** One step of a count: it goes on with the next look, so that a million names hold nobody up. */
const STEP_MS = 1;

/** Counts a folder in small steps. What lies there stays: once it is less, receiving goes on. */
export function folderQuota(folder: SafeFolder, quota: OutboxQuota): FolderQuota {
  let walk: Iterator<string> | null = null;
  let endedAt = Number.NEGATIVE_INFINITY;
  let changedAt = Number.NaN;
  let entries = 0;
  let bytes = 0;

  const isDue = (now: number): boolean =>
    now - endedAt >= UNCHANGED_EVERY_MS ||
    (now - endedAt >= EVERY_MS && folder.changedAt() !== changedAt);

  const begin = (): Iterator<string> => {
    changedAt = folder.changedAt();
    entries = 0;
    bytes = 0;
    return folder.walk();
  };

  const end = (): void => {
    walk?.return?.();
    walk = null;
    endedAt = performance.now();
  };

  const check = (): void => {
    const begun = performance.now();
    if (walk === null && !isDue(begun)) {
      return;
    }
    walk ??= begin();
    do {
      const step = walk.next();
      if (step.done === true) {
        end();
        return;
      }
      entries += 1;
      bytes += folder.look(step.value)?.allocated ?? 0;
      if (entries > quota.entries || bytes > quota.bytes) {
        end();
        throw overQuota(quota, entries, bytes, folder.watchPath);
      }
    } while (performance.now() - begun < STEP_MS);
  };

  return { check, close: end };
}

function overQuota(quota: OutboxQuota, entries: number, bytes: number, path: string): WaybillError {
  return new WaybillError(
    "OUTBOX_OVER_QUOTA",
    `The agent let ${entries} files with ${bytes} bytes or more lie in its outbox; ${quota.entries} files and ${quota.bytes} bytes are allowed. Stop the run, or raise "outboxQuota" of fsMailbox. What lies there is kept.`,
    { class: "transient", details: { entries, bytes, path, quota: { ...quota } } },
  );
}
