import type { EventStore } from "@waybill/core";
import { postgresPrograms, postgresServer } from "../integration/postgres-server.ts";
import { benchLine } from "./bench-line.ts";
import type { BenchLine, Round, Target } from "./bench-line.ts";
import { appendFor, messageEvent } from "./store/workload.ts";
import type { Pace } from "./store/workload.ts";

/**
 * How fast the shared store makes events durable, gives them back and delivers them to another
 * store, on a real server of its own; the baseline is the same store with one client.
 *
 * @param open makes a store for this server and schema.
 */
export async function benchPostgres(
  open: (server: { readonly url: string; readonly schema: string }) => EventStore,
): Promise<BenchLine[]> {
  const programs = await postgresPrograms();
  if (programs === null)
    throw new Error("No PostgreSQL server: bash .ci/postgres.sh installs one.");
  await using server = await postgresServer(programs);
  const { url } = server;
  const store = open({ url, schema: "bench" });
  await store.open();
  await appendFor(store, 32, 1_000);
  const one: Pace[] = [];
  const many: Pace[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    one.push(await appendFor(store, 1, 500));
    many.push(await appendFor(store, 32, 700));
  }
  const replay = await measureReplay(store);
  await store.close();

  const writer = open({ url, schema: "delivery" });
  const reader = open({ url, schema: "delivery" });
  await writer.open();
  await reader.open();
  const delivery: Delivery[] = [];
  for (let round = 0; round < ROUNDS; round += 1)
    delivery.push(await measureDelivery(writer, reader));
  await writer.close();
  await reader.close();

  return [
    line(
      "PostgreSQL: durable append, 1 client, p50",
      "ms",
      one.map((pace) => alone(pace.p50Ms)),
    ),
    line(
      "PostgreSQL: durable appends, 1 client",
      "appends/s",
      one.map((pace) => alone(pace.perSecond)),
    ),
    line(
      "PostgreSQL: durable appends, 32 clients, against 1",
      "appends/s",
      many.map(({ perSecond }, round) => ({
        value: perSecond,
        baseline: one[round]?.perSecond ?? null,
      })),
    ),
    line(
      "PostgreSQL: durable append, 32 clients, p99",
      "ms",
      many.map((pace) => alone(pace.p99Ms)),
    ),
    line("PostgreSQL: replay of the log", "events/s", replay.map(alone)),
    line(
      "PostgreSQL: delivery to another store, 16 writers, p50",
      "ms",
      delivery.map(({ p50Ms }) => alone(p50Ms)),
      { atMost: 10 },
    ),
    line(
      "PostgreSQL: appends, 16 writers, with a listener against without",
      "appends/s",
      delivery.map(({ perSecond, perSecondAlone }) => ({
        value: perSecond,
        baseline: perSecondAlone,
      })),
      { atLeastTimes: 0.9 },
    ),
  ];
}

interface Delivery {
  readonly p50Ms: number;
  readonly perSecond: number;
  readonly perSecondAlone: number;
}

/** How long after its append began an event comes out of the other store, and what listening costs. */
async function measureDelivery(writer: EventStore, reader: EventStore): Promise<Delivery> {
  const { perSecond: perSecondAlone } = await appendFor(writer, 16, 500);
  const abort = new AbortController();
  const times: number[] = [];
  // From here on: what came before is not delivered but caught up.
  const [marker] = [messageEvent()];
  const marked = await writer.append(
    `marker-${marker?.id}`,
    "none",
    marker === undefined ? [] : [marker],
  );
  const after = marked.ok ? (marked.events[0]?.position ?? "") : "";
  const listening = (async () => {
    for await (const page of reader.subscribe({ after, signal: abort.signal })) {
      const now = Date.now();
      times.push(...page.map((event) => now - event.recordedAt));
    }
  })();
  const { perSecond } = await appendFor(writer, 16, 500);
  abort.abort();
  await listening;
  return {
    p50Ms: times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN,
    perSecond,
    perSecondAlone,
  };
}

async function measureReplay(store: EventStore): Promise<readonly number[]> {
  const paces: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const begun = performance.now();
    let events = 0;
    for await (const page of store.readAll()) events += page.length;
    paces.push((events / (performance.now() - begun)) * 1000);
  }
  return paces;
}

function line(
  metric: string,
  unit: string,
  rounds: readonly Round[],
  target: Target = null,
): BenchLine {
  return benchLine({ bench: "store-postgres", metric, unit, rounds, target });
}

function alone(value: number): Round {
  return { value, baseline: null };
}

const ROUNDS = 7;
