import { join } from "node:path";
import { postgresStore } from "@waybill/store-postgres";
import { sqliteStore } from "@waybill/store-sqlite";
import { postgresPrograms, postgresServer } from "../integration/postgres-server.ts";
import { benchLine } from "./bench-line.ts";
import type { BenchLine, Round } from "./bench-line.ts";
import { bareInsert } from "./peers/bare-insert.ts";
import { installPeers } from "./peers/install-peers.ts";
import { mendedStore } from "./peers/mended-store.ts";
import { emmettStore, ourStore } from "./peers/peer-store.ts";
import type { EmmettStore, PeerStore } from "./peers/peer-store.ts";
import { appendsPerSecond, fillStream, inTurns, readsPerSecond } from "./peers/rounds.ts";
import { workFolder } from "./work-folder.ts";

/**
 * Our stores against Emmett's, doing the same work in turns: events of the same size, an expected
 * version for each, every one durable before it counts.
 */
export async function benchPeers(): Promise<BenchLine[]> {
  const load = await installPeers();
  return [...(await againstSqlite(load)), ...(await againstPostgres(load))];
}

async function againstSqlite(load: Load): Promise<readonly BenchLine[]> {
  await using folder = await workFolder();
  const { getSQLiteEventStore } = (await load("@event-driven-io/emmett-sqlite")) as {
    readonly getSQLiteEventStore: (options: object) => EmmettStore;
  };
  const own = sqliteStore({ path: join(folder.path, "ours.db") });
  await own.open();
  const ours = ourStore(own);
  using installed = mendedStore(() =>
    emmettStore(getSQLiteEventStore({ fileName: join(folder.path, "theirs.db") })),
  );
  using shared = mendedStore(() =>
    emmettStore(
      getSQLiteEventStore({
        fileName: join(folder.path, "theirs-shared.db"),
        connectionOptions: { singleton: true },
      }),
    ),
  );
  // The first append makes their tables.
  const long = new Map<PeerStore, string>();
  for (const store of [ours, installed, shared]) long.set(store, await fillStream(store, LONG));
  const appends = (theirs: PeerStore, clients: number): Promise<readonly Round[]> =>
    inTurns(
      ROUNDS,
      () => appendsPerSecond(ours, clients, 400),
      () => appendsPerSecond(theirs, clients, 800),
    );
  const reads = (theirs: PeerStore): Promise<readonly Round[]> =>
    inTurns(
      ROUNDS,
      () => readsPerSecond(ours, long.get(ours) ?? ""),
      () => readsPerSecond(theirs, long.get(theirs) ?? ""),
    );
  const lines = [
    line(
      "SQLite: appends, 32 clients, against emmett-sqlite",
      "appends/s",
      10,
      await appends(installed, 32),
    ),
    line(
      "SQLite: appends, 32 clients, against its shared connection",
      "appends/s",
      4,
      await appends(shared, 32),
    ),
    line(
      "SQLite: appends, 1 client, against emmett-sqlite",
      "appends/s",
      null,
      await appends(installed, 1),
    ),
    line(
      "SQLite: appends, 1 client, against its shared connection",
      "appends/s",
      null,
      await appends(shared, 1),
    ),
    line("SQLite: replay, against emmett-sqlite", "events/s", 2.5, await reads(installed)),
    line("SQLite: replay, against its shared connection", "events/s", null, await reads(shared)),
  ];
  for (const store of [ours, installed, shared]) await store.close();
  return lines;
}

async function againstPostgres(load: Load): Promise<readonly BenchLine[]> {
  const programs = await postgresPrograms();
  if (programs === null)
    throw new Error("No PostgreSQL server: bash .ci/postgres.sh installs one.");
  await using server = await postgresServer(programs);
  const { getPostgreSQLEventStore } = (await load("@event-driven-io/emmett-postgresql")) as {
    readonly getPostgreSQLEventStore: (url: string) => EmmettStore;
  };
  const own = postgresStore({ url: server.url, schema: "ours" });
  await own.open();
  const ours = ourStore(own);
  const theirs = emmettStore(getPostgreSQLEventStore(server.url));
  const ourLong = await fillStream(ours, LONG);
  const theirLong = await fillStream(theirs, LONG);
  const bare = await bareInsert(await load("pg"), server.url);
  const appends = (clients: number, store = ours): Promise<readonly Round[]> =>
    inTurns(
      ROUNDS,
      () => appendsPerSecond(store, clients, 500),
      () => appendsPerSecond(theirs, clients, 500),
    );
  const reads = await inTurns(
    ROUNDS,
    () => readsPerSecond(ours, ourLong),
    () => readsPerSecond(theirs, theirLong),
  );
  const lines = [
    line(
      "PostgreSQL: appends, 1 client, against emmett-postgresql",
      "appends/s",
      2.5,
      await appends(1),
    ),
    // How far one client could come with any store: the rest is the server's commit.
    line(
      "PostgreSQL: a bare INSERT, 1 client, against emmett-postgresql",
      "appends/s",
      null,
      await appends(1, bare),
    ),
    line(
      "PostgreSQL: appends, 32 clients, against emmett-postgresql",
      "appends/s",
      2.5,
      await appends(32),
    ),
    line("PostgreSQL: replay, against emmett-postgresql", "events/s", 1.5, reads),
  ];
  await bare.close();
  await theirs.close();
  await ours.close();
  return lines;
}

function line(
  metric: string,
  unit: string,
  atLeastTimes: number | null,
  rounds: readonly Round[],
): BenchLine {
  const target = atLeastTimes === null ? null : { atLeastTimes };
  return benchLine({ bench: "store-peers", metric, unit, rounds, target });
}

type Load = (name: string) => Promise<unknown>;

const ROUNDS = 7;
const LONG = 5_000;
