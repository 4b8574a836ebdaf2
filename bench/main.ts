import { mkdir, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { BenchLine } from "./bench-line.ts";
import { hostFacts } from "./host-facts.ts";
import type { HostFacts } from "./host-facts.ts";

/** Every bench by its name. Loaded only when it is asked for. */
const benches: Readonly<Record<string, () => Promise<readonly BenchLine[]>>> = {
  core: async () => (await import("./core.ts")).benchCore(),
  agent: async () => (await import("./agent.ts")).benchAgent(),
  docker: async () => (await import("./docker.ts")).benchDocker(),
  "docker-idle": async () => (await import("./docker/idle.ts")).benchDockerIdle(),
  ipc: async () => (await import("./ipc.ts")).benchIpc(),
  gateway: async () => (await import("./gateway.ts")).benchGateway(),
  "store-postgres": async () => {
    const { postgresStore } = await import("@waybill/store-postgres");
    return (await import("./store-postgres.ts")).benchPostgres(postgresStore);
  },
  store: async () => (await import("./store.ts")).benchStore(),
  "store-peers": async () => (await import("./peers.ts")).benchPeers(),
  tracker: async () => (await import("./tracker.ts")).benchTracker(),
};

process.exitCode = await main();

/** `bench NAME [--peers] [--json] [--save]`: 0 where every target is met, 1 where one is missed, 2 for a wrong call. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      save: { type: "boolean", default: false },
      peers: { type: "boolean", default: false },
    },
  });
  // `bench store --peers` is the long way to say `bench store-peers`.
  const name = positionals[0] === "store" && values.peers ? "store-peers" : positionals[0];
  const bench = name === undefined ? undefined : benches[name];
  if (name === undefined || bench === undefined) {
    process.stdout.write(
      `Usage: bench NAME [--json] [--save]\nBenches: ${Object.keys(benches).join(", ")}\n`,
    );
    return name === undefined ? 0 : 2;
  }
  const facts = await hostFacts();
  if (!values.json) process.stdout.write(`${factsText(facts)}\n`);
  const lines = await bench();
  process.stdout.write(values.json ? lines.map(jsonLine).join("") : table(lines));
  if (values.save) await save(name, facts, lines);
  return lines.every((line) => line.ok) ? 0 : 1;
}

function factsText(facts: HostFacts): string {
  const { node, cpus, cpuModel, memoryGiB, loadBefore, idleLoopDelayMs, rawFsyncMs } = facts;
  return [
    `node ${node}, ${cpus} CPUs (${cpuModel}), ${memoryGiB} GiB, load ${loadBefore.toFixed(1)}`,
    `idle loop delay ${idleLoopDelayMs.toFixed(2)} ms, raw fsync ${rawFsyncMs.toFixed(3)} ms`,
  ].join("\n");
}

function jsonLine(measured: BenchLine): string {
  const { rounds: _, ...line } = measured;
  return `${JSON.stringify(line)}\n`;
}

function table(lines: readonly BenchLine[]): string {
  const width = Math.max(...lines.map(({ metric }) => metric.length));
  const rows = lines.map(({ metric, value, unit, baseline, ratio, target, ok }) => {
    const cells = [
      metric.padEnd(width),
      `${short(value)} ${unit}`.padStart(20),
      (baseline === null ? "" : `baseline ${short(baseline)}`).padEnd(18),
      (ratio === null ? "" : `${ratio.toFixed(2)}x`).padStart(8),
      target === null ? "reported" : `${ok ? "met" : "MISSED"}: ${target}`,
    ];
    return cells.join("  ").trimEnd();
  });
  return `${rows.join("\n")}\n`;
}

function short(value: number): string {
  return value >= 100 ? Math.round(value).toString() : value.toPrecision(3);
}

async function save(name: string, facts: HostFacts, lines: readonly BenchLine[]): Promise<void> {
  const folder = new URL("results/", import.meta.url);
  await mkdir(folder, { recursive: true });
  await writeFile(
    new URL(`${name}.json`, folder),
    `${JSON.stringify({ facts, lines }, null, 2)}\n`,
  );
}
