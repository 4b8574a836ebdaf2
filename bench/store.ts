import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sqliteStore } from "@waybill/store-sqlite";
import type { SqliteStore } from "@waybill/store-sqlite";
import { benchLine } from "./bench-line.ts";
import type { BenchLine, Round, Target } from "./bench-line.ts";
import { onSlowDisk } from "./store/on-slow-disk.ts";
import { appendFor, writeRawFor } from "./store/workload.ts";
import type { Pace } from "./store/workload.ts";
import { workFolder } from "./work-folder.ts";

/**
 * How fast the embedded store makes events durable and gives them back, against plain files in the
 * same rounds: raw, one client, 32 clients, and again.
 */
export async function benchStore(): Promise<BenchLine[]> {
  await using folder = await workFolder();
  const store = sqliteStore({ path: join(folder.path, "waybill.db") });
  await store.open();
  await appendFor(store, 32, 500);
  await appendFor(store, 1, 200);
  const raw: Pace[] = [];
  const one: Pace[] = [];
  const many: Pace[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    raw.push(writeRawFor(join(folder.path, "raw"), 400));
    one.push(await appendFor(store, 1, 400));
    many.push(await appendFor(store, 32, 600));
  }
  const replay = await measureReplay(store, folder.path);
  await store.close();
  const slow = await onSlowDisk(folder.path, ROUNDS);
  return [
    line("durable append, 1 client, p50", "ms", pair(one, raw, "p50Ms"), { atMostAbove: 0.3 }),
    line("durable append, 1 client, p99", "ms", pair(one, raw, "p99Ms"), null),
    line("durable appends, 32 clients", "appends/s", pair(many, raw, "perSecond"), {
      atLeastTimes: 5,
    }),
    line("durable append, 32 clients, p99", "ms", pair(many, raw, "p99Ms"), null),
    line("replay of the log, against parsed lines of a file", "events/s", replay, null),
    ...(slow === null
      ? []
      : [
          line("durable appends, 32 clients, each sync 10 ms slower", "appends/s", slow.appends, {
            atLeastTimes: 15,
          }),
          line(
            "event loop delay at 200 appends/s, each sync 10 ms slower, p50",
            "ms",
            slow.delays,
            { atMostAbove: 1 },
          ),
        ]),
  ];
}

const ROUNDS = 9;

function line(metric: string, unit: string, rounds: readonly Round[], target: Target): BenchLine {
  return benchLine({ bench: "store", metric, unit, rounds, target });
}

function pair(
  values: readonly Pace[],
  baselines: readonly Pace[],
  figure: keyof Pace,
): readonly Round[] {
  return values.map((pace, round) => ({
    value: pace[figure],
    baseline: baselines[round]?.[figure] ?? null,
  }));
}

/** Reads everything back; the baseline reads the same events from a file of lines and parses them. */
async function measureReplay(store: SqliteStore, folder: string): Promise<readonly Round[]> {
  const file = join(folder, "lines");
  const lines: string[] = [];
  for await (const page of store.readAll())
    lines.push(...page.map((event) => JSON.stringify(event)));
  writeFileSync(file, lines.join("\n"));
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const begun = performance.now();
    let events = 0;
    for await (const page of store.readAll()) events += page.length;
    const read = performance.now();
    const parsed = readFileSync(file, "utf8")
      .split("\n")
      .map((text) => JSON.parse(text)).length;
    const done = performance.now();
    rounds.push({
      value: (events / (read - begun)) * 1000,
      baseline: (parsed / (done - read)) * 1000,
    });
  }
  return rounds;
}
