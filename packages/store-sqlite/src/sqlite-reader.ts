import type { EventStore } from "@waybill/core";
import { backUp } from "./back-up.ts";
import { exportLines } from "./export-lines.ts";
import { follow, readAll, readCheckpoint, readStream } from "./log-reading.ts";
import type { ReadableLog } from "./log-reading.ts";
import { Openable } from "./openable.ts";
import { assertStorePath, resolveStorePath } from "./store-path.ts";
import { startThread } from "./store-thread.ts";
import type { IntegrityCheck } from "./thread/messages.ts";
import { WakeUp } from "./wake-up.ts";

/** Where to read. */
export interface SqliteReaderOptions {
  /** The store's file. */
  readonly path: string;
  /** How often a subscription looks for what the owner appended, in milliseconds. Default: 20. */
  readonly pollMs?: number;
  /** How much is looked at by `open()`. Default: `"none"`, since the owner does it. */
  readonly check?: IntegrityCheck;
}

/** A store that can be read and not written. */
export interface SqliteReader
  extends
    AsyncDisposable,
    Pick<EventStore, "id" | "open" | "read" | "readAll" | "subscribe" | "checkpoint" | "close"> {
  /** See `SqliteStore.backup`. */
  backup(target: string): Promise<void>;
  /** See `SqliteStore.exportLines`. */
  exportLines(options?: { readonly signal?: AbortSignal }): AsyncIterable<string>;
}

/**
 * Reads a store beside the process that owns it, or while nobody does. `open()` throws
 * `STORE_MISSING` where no store was made yet.
 */
export function sqliteReader(options: SqliteReaderOptions): SqliteReader {
  const { path } = options;
  assertStorePath(path);
  const log = new Openable(path, () => openReaderLog(options));

  return {
    get id() {
      return log.current.thread.opened.id;
    },
    open: () => log.open(),
    async *read(stream, range = {}) {
      yield* readStream(log.current, stream, range);
    },
    async *readAll(range = {}) {
      yield* readAll(log.current, range);
    },
    async *subscribe(range = {}) {
      yield* follow(log.current, range);
    },
    checkpoint: async (name) => readCheckpoint(log.current, name),
    async *exportLines({ signal } = {}) {
      yield* exportLines(log.current, signal);
    },
    backup: async (target) => backUp(log.current.path, target),
    close: () => log.close(),
    [Symbol.asyncDispose]: () => log.close(),
  };
}

interface ReaderLog extends ReadableLog {
  close(): Promise<void>;
}

async function openReaderLog({
  path: given,
  pollMs = 20,
  check = "none",
}: SqliteReaderOptions): Promise<ReaderLog> {
  const path = await resolveStorePath(given);
  const thread = await startThread({
    path,
    role: "reader",
    durability: "full",
    check,
    lockWaitMs: 0,
  });
  const closed = new WakeUp();
  const last = (): Promise<number> => thread.call("last", null);
  return {
    path,
    thread,
    last,
    // The owner is another process: nothing tells of its appends, so look.
    grown: async (after, signal) => {
      for (;;) {
        if (signal?.aborted === true || (await last()) > after) return;
        await closed.next(signal, pollMs);
      }
    },
    close: async () => {
      await thread.close();
      closed.wake();
    },
  };
}
