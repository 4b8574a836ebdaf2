import { checkCheckpoint } from "@waybill/core";
import type { EventStore, Logger } from "@waybill/core";
import { backUp } from "./back-up.ts";
import { exportLines } from "./export-lines.ts";
import { follow, readAll, readCheckpoint, readStream } from "./log-reading.ts";
import { Openable } from "./openable.ts";
import { openOwnerLog } from "./owner-log.ts";
import type { OwnerLog } from "./owner-log.ts";
import { assertStorePath, prepareStorePath } from "./store-path.ts";
import type { Durability, IntegrityCheck } from "./thread/messages.ts";

/** How to keep a log on this machine. */
export interface SqliteStoreOptions {
  /** The file. It and its folder are made where they are missing; `-wal`, `-shm` and `-lock` stand beside it. */
  readonly path: string;
  /**
   * `"full"`: an append resolves once it is on the disk, and survives a power failure. `"normal"`: once the
   * operating system has it; it survives the death of the process, but not that of the machine.
   * Default: `"full"`.
   */
  readonly durability?: Durability;
  /**
   * How much `open()` looks at. `"full"`: every page and every event's checksum, about a second for
   * 500,000 events; `"quick"`: the structure of the pages; `"none"`. Default: `"full"`.
   */
  readonly check?: IntegrityCheck;
  /** How long `open()` waits for another owner to let go, in milliseconds. Default: 500. */
  readonly lockWaitMs?: number;
  /** How many bytes of appends may wait for the disk, about; more is refused with `STORE_BUSY`. Default: 64 MiB. */
  readonly queueBytes?: number;
  /** Told how the store was opened. Default: none. */
  readonly logger?: Logger;
}

/** A durable event store for one process. */
export interface SqliteStore extends EventStore, AsyncDisposable {
  /**
   * Writes the whole store, as it is at the call, to a new file, while appends go on. Resolves once
   * the file is complete, checked and on the disk. To restore, put it in the place of the store.
   * Throws `STORE_TARGET_EXISTS`.
   */
  backup(target: string): Promise<void>;

  /** The log as it is now, as newline-delimited JSON: what `importLog` takes, and any other program. */
  exportLines(options?: { readonly signal?: AbortSignal }): AsyncIterable<string>;
}

/**
 * Keeps the log in one SQLite file. One process owns it at a time: `open()` throws `STORE_IN_USE`
 * where another does, `STORE_PATH_UNWRITABLE`, `STORE_CORRUPT`, `STORE_TOO_NEW`, `STORE_FOREIGN` or
 * `STORE_NOT_DURABLE`. An append throws `STORE_FULL` or `STORE_BUSY` where it may be repeated later,
 * and `STORE_IO` where the disk failed.
 */
export function sqliteStore(options: SqliteStoreOptions): SqliteStore {
  const { path } = options;
  assertStorePath(path);
  const log = new Openable(path, () => openLog(options));

  return {
    get id() {
      return log.current.thread.opened.id;
    },
    open: () => log.open(),
    append: async (stream, expected, events, fence) =>
      log.current.append(stream, expected, events, fence),
    erase: async (stream, expected, tombstone, fence) =>
      log.current.erase(stream, expected, tombstone, fence),
    restore: async (stream, events) => log.current.restore(stream, events),
    async *read(stream, range = {}) {
      yield* readStream(log.current, stream, range);
    },
    async *readAll(range = {}) {
      yield* readAll(log.current, range);
    },
    async *subscribe(range = {}) {
      yield* follow(log.current, range);
    },
    claim: async (names, owner) => log.current.claim(names, owner),
    renew: async (leases) => log.current.renew(leases),
    release: async (leases) => {
      await log.current.thread.call("release", leases);
    },
    checkpoint: async (name) => readCheckpoint(log.current, name),
    setCheckpoint: async (name, value, expected) => {
      const { thread } = log.current;
      checkCheckpoint(name, value, expected);
      return thread.call("setCheckpoint", { name, value, expected });
    },
    backup: async (target) => backUp(log.current.path, target),
    async *exportLines({ signal } = {}) {
      yield* exportLines(log.current, signal);
    },
    close: () => log.close(),
    [Symbol.asyncDispose]: () => log.close(),
  };
}

async function openLog(options: SqliteStoreOptions): Promise<OwnerLog> {
  const {
    durability = "full",
    check = "full",
    lockWaitMs = 500,
    queueBytes = 64 * 1024 * 1024,
  } = options;
  const path = await prepareStorePath(options.path);
  const log = await openOwnerLog(
    { path, role: "owner", durability, check, lockWaitMs },
    queueBytes,
  );
  report(log, options);
  return log;
}

/** Tells the logger how the store was opened. */
function report(log: OwnerLog, { logger, durability, check = "full" }: SqliteStoreOptions): void {
  const { path } = log;
  const { id, last: events, journalMode, synchronous, checkMs } = log.thread.opened;
  try {
    logger?.info("The store is open.", {
      path,
      id,
      events,
      journalMode,
      synchronous,
      check,
      checkMs,
    });
    if (synchronous === "full") return;
    const warning =
      "The store does not wait for the disk: a power failure can lose what was appended last.";
    logger?.warn(warning, { path, durability });
  } catch {
    // Nothing here depends on what a logger does: an open store stays open.
  }
}
