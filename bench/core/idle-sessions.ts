import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { createOrchestrator } from "@waybill/core";
import { sqliteStore } from "@waybill/store-sqlite";
import { benchLine, type BenchLine } from "../bench-line.ts";
import { workFolder } from "../work-folder.ts";
import { instantAgent } from "./instant-agent.ts";
import { heapInUse } from "./memory-in-use.ts";
import { asNewEvents, typicalLife } from "./typical-life.ts";

const sessions = 10_000;

/** Ten thousand open sessions with nothing to do: what it costs to come up, and to be there. */
export async function benchIdleSessions(): Promise<readonly BenchLine[]> {
  await using folder = await workFolder();
  const path = join(folder.path, "idle.db");
  const eventsEach = await fill(path);
  const before = heapInUse();
  const begun = performance.now();
  const { transport, mailbox } = instantAgent();
  const orchestrator = await createOrchestrator({
    store: sqliteStore({ path }),
    mailbox,
    agents: { coder: { name: "Кодер", transport } },
  });
  const startMs = performance.now() - begun;
  const heapEach = (heapInUse() - before) / sessions;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await pause(12_000); // longer than leases are renewed in
  delay.disable();
  await orchestrator[Symbol.asyncDispose]();
  const line = (metric: string, unit: string, value: number): BenchLine =>
    benchLine({ bench: "core", metric, unit, rounds: [{ value, baseline: null }], target: null });
  return [
    line(`start with 10,000 open sessions of ${eventsEach} events each, SQLite`, "ms", startMs),
    line("heap of an open idle session", "bytes", heapEach),
    line("event loop delay with 10,000 idle sessions, p99", "ms", delay.percentile(99) / 1e6),
    line("event loop delay with 10,000 idle sessions, longest", "ms", delay.max / 1e6),
  ];
}

async function fill(path: string): Promise<number> {
  const store = sqliteStore({ path });
  await store.open();
  const life = typicalLife(1);
  for (let first = 0; first < sessions; first += 500) {
    await Promise.all(
      Array.from({ length: 500 }, async (_, index) => {
        const id = `s-${first + index}`;
        await store.append(id, 0, asNewEvents(life, id));
      }),
    );
  }
  await store.close();
  return life.length;
}
