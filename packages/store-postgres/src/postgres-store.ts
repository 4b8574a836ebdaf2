import type { EventStore, Logger } from "@waybill/core";
import { readCheckpoint, swapCheckpoint } from "./checkpoints.ts";
import { follow, readAll, readStream } from "./log-reading.ts";
import { openLog } from "./open-log.ts";
import type { OpenLog } from "./open-log.ts";
import { Openable } from "./openable.ts";
import { clientConfigOf } from "./server-address.ts";
import type { PostgresServer, PostgresTls } from "./server-address.ts";

/** Where the log is kept, and how it is shared. Either `url` or `server` must be given. */
export interface PostgresStoreOptions {
  /** `postgres://user@host:5432/database`. Leave the password to `PGPASSWORD` or `~/.pgpass`, or use `server`. */
  readonly url?: string;
  /** The same in parts. */
  readonly server?: PostgresServer;
  /** The schema that holds the log, made where it is missing: lower-case letters, digits and `_`. Default: `"waybill"`. */
  readonly schema?: string;
  /** How many connections this process may have, beside one for hints. Default: 8. */
  readonly poolSize?: number;
  /** How long the server may take for a statement, in milliseconds. Default: 30,000. */
  readonly statementTimeoutMs?: number;
  /** Whether and how the connection is encrypted; `true` checks the server's certificate. Default: as the url says, else not. */
  readonly tls?: boolean | PostgresTls;
  /** How long a lease holds after its claim or renewal, in milliseconds, by the database's clock. Default: 30,000. */
  readonly leaseMs?: number;
  /** How long a subscription waits for a hint before it looks by itself, in milliseconds. Default: 1,000. */
  readonly pollMs?: number;
  /** Told how the store was opened, and when hints are lost. Default: none. */
  readonly logger?: Logger;
}

/** A durable event store that many processes share. */
export interface PostgresStore extends EventStore, AsyncDisposable {}

/**
 * Keeps the log in a PostgreSQL database. `open()` throws `STORE_UNREACHABLE`, `STORE_REFUSED`,
 * `STORE_UNFIT`, `STORE_NOT_DURABLE`, `STORE_FOREIGN` or `STORE_TOO_NEW`. A call whose connection is
 * lost is made again for ten seconds, and then throws `STORE_UNREACHABLE`; an append may be repeated
 * after that too, since its ids are recognised.
 */
export function postgresStore(options: PostgresStoreOptions): PostgresStore {
  const { schema = "waybill", leaseMs = 30_000, pollMs = 1_000, logger } = options;
  const { poolSize = 8, statementTimeoutMs = 30_000 } = options;
  checkSchemaName(schema);
  checkCounts({ leaseMs, pollMs, poolSize, statementTimeoutMs });
  const config = clientConfigOf(options);
  const log = new Openable(async () => {
    const settings = { config, schema, poolSize, statementTimeoutMs, leaseMs, pollMs, logger };
    const opened = await openLog(settings);
    report(opened, schema, logger);
    return opened;
  });

  return {
    get id() {
      return log.current.id;
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
    claim: async (names, owner) => log.current.leases.claim(names, owner),
    renew: async (leases) => log.current.leases.renew(leases),
    release: async (leases) => log.current.leases.release(leases),
    checkpoint: async (name) => readCheckpoint(log.current.database, name),
    setCheckpoint: async (name, value, expected) =>
      swapCheckpoint(log.current.database, name, value, expected),
    close: () => log.close(),
    [Symbol.asyncDispose]: () => log.close(),
  };
}

/** The name stands in statements that take no parameters. */
function checkSchemaName(schema: string): void {
  if (/^(?!pg_)[a-z_][a-z0-9_]{0,62}$/u.test(schema)) return;
  throw new TypeError(
    `The schema ${JSON.stringify(schema)} is no name: give 1 to 63 of a-z, 0-9 and _, not beginning with a digit or pg_.`,
  );
}

function checkCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) {
    if (Number.isSafeInteger(count) && count > 0 && count < 2 ** 31) continue;
    throw new TypeError(
      `The option ${name} of postgresStore() is ${count}: give a whole number above 0.`,
    );
  }
}

function report(log: OpenLog, schema: string, logger: Logger | undefined): void {
  try {
    logger?.info("The store is open.", { place: log.database.place, schema, id: log.id });
  } catch {
    // Nothing here depends on what a logger does: an open store stays open.
  }
}
