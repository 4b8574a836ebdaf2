import { join } from "node:path";
import { createOrchestrator } from "@waybill/core";
import { sqliteStore } from "@waybill/store-sqlite";
import { benchLine, type BenchLine, type Round } from "../bench-line.ts";
import { workFolder } from "../work-folder.ts";
import { instantAgent } from "./instant-agent.ts";
import { heapInUse } from "./memory-in-use.ts";
import { asNewEvents, typicalLife } from "./typical-life.ts";

/** How many events an append of the preparation has. */
const page = 500;

/** A session of thirty thousand events and one of a million: time by length, memory by open work. */
export async function benchOpening(): Promise<readonly BenchLine[]> {
  await using folder = await workFolder();
  const short = await fill(join(folder.path, "short.db"), 30_000);
  const long = await fill(join(folder.path, "long.db"), 1_000_000);
  const times: Round[] = [];
  const heaps: Round[] = [];
  for (let round = 0; round < 3; round += 1) {
    const one = await openOnce(join(folder.path, "short.db"));
    const other = await openOnce(join(folder.path, "long.db"));
    times.push({ value: (other.ms / long) * 1_000, baseline: (one.ms / short) * 1_000 });
    heaps.push({ value: other.heapMiB, baseline: one.heapMiB });
  }
  return [
    benchLine({
      bench: "core",
      metric: `opening a session of ${long} events, an event, against one of ${short}`,
      unit: "us",
      rounds: times,
      target: { atMostTimes: 1.5 },
    }),
    benchLine({
      bench: "core",
      metric: "heap that it leaves, against the short one's",
      unit: "MiB",
      rounds: heaps,
      target: { atMostAbove: 5 },
    }),
  ];
}

async function openOnce(path: string): Promise<{ readonly ms: number; readonly heapMiB: number }> {
  const before = heapInUse();
  const { transport, mailbox } = instantAgent();
  const begun = performance.now();
  const orchestrator = await createOrchestrator({
    store: sqliteStore({ path }),
    mailbox,
    agents: { coder: { name: "Кодер", transport } },
  });
  const { version } = await orchestrator.session("s").state();
  const ms = performance.now() - begun;
  if (version === 0) throw new Error(`${path} holds no session "s".`);
  const heapMiB = (heapInUse() - before) / 2 ** 20;
  await orchestrator[Symbol.asyncDispose]();
  return { ms, heapMiB };
}

/** Makes the session; gives how many events it has. */
async function fill(path: string, atLeast: number): Promise<number> {
  const store = sqliteStore({ path });
  await store.open();
  const events = asNewEvents(typicalLife(Math.ceil(atLeast / 9)), "e");
  for (let version = 0; version < events.length; version += page) {
    await store.append("s", version, events.slice(version, version + page));
  }
  await store.close();
  return events.length;
}
