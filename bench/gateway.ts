import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunPlan } from "@waybill/core";
import { modelGateway, stopModelGateway } from "@waybill/gateway";
import { benchLine, median } from "./bench-line.ts";
import type { BenchLine, Round } from "./bench-line.ts";
import { asker } from "./gateway/exchange.ts";
import type { Ask } from "./gateway/exchange.ts";

/**
 * What the gateway costs a run: time to the first byte and streaming throughput, through its socket
 * and straight to the same stub, one right after the other. The stub is a process of its own.
 */
export async function benchGateway(): Promise<BenchLine[]> {
  const stub = fork(new URL("gateway/stub-model.ts", import.meta.url));
  const [port] = (await once(stub, "message")) as [number];
  // Not in the checkout: a socket's path is short.
  const root = await mkdtemp(join(tmpdir(), "wb-"));
  const gateway = modelGateway({
    root,
    upstream: `http://127.0.0.1:${port}`,
    credential: { apiKey: "bench" },
  });
  try {
    const { folders } = await gateway.attach(plan);
    const through = asker({ socketPath: join(folders[0]?.host ?? "", "model.sock") });
    const direct = asker({ host: "127.0.0.1", port });
    return await measure(through, direct, root);
  } finally {
    await gateway.close();
    await stopModelGateway({ root });
    await rm(root, { recursive: true, force: true });
    stub.disconnect();
  }
}

const ROUNDS = 15;
const ASKS = 40;
const EVENTS = 150_000;

async function measure(through: Ask, direct: Ask, root: string): Promise<BenchLine[]> {
  const idle = { value: await residentMegabytes(root), baseline: null };
  for (const ask of [direct, through]) {
    await firstByte(ask, ASKS);
    await throughput(ask);
  }
  const latency: Round[] = [];
  const streaming: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    latency.push({
      baseline: await firstByte(direct, ASKS),
      value: await firstByte(through, ASKS),
    });
    streaming.push({ baseline: await throughput(direct), value: await throughput(through) });
  }
  const busy = { value: await residentMegabytes(root), baseline: null };
  return [
    benchLine({
      bench: "gateway",
      metric: "time to the first byte, p50",
      unit: "ms",
      rounds: latency,
      target: { atMostAbove: 2 },
    }),
    benchLine({
      bench: "gateway",
      metric: "streaming server-sent events, as fast as they come",
      unit: "MB/s",
      rounds: streaming,
      target: { atLeastTimes: 0.8 },
    }),
    memoryLine("memory of the gateway's process with one idle run", idle),
    memoryLine("memory of the gateway's process right after this load", busy),
  ];
}

function memoryLine(metric: string, round: Round): BenchLine {
  return benchLine({ bench: "gateway", metric, unit: "MB", rounds: [round], target: null });
}

async function firstByte(ask: Ask, times: number): Promise<number> {
  const all: number[] = [];
  for (let n = 0; n < times; n += 1) all.push((await ask(1)).firstByteMs);
  return median(all);
}

async function throughput(ask: Ask): Promise<number> {
  return (await ask(EVENTS)).megabytesPerSecond;
}

async function residentMegabytes(root: string): Promise<number> {
  const pid = (await readFile(join(root, "pid"), "utf8")).trim();
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1_000;
}

const nowhere = { host: "/nowhere", at: "/nowhere" };

const plan: RunPlan = {
  owner: "bench",
  sessionId: "bench",
  runId: "bench-1",
  epoch: 1,
  control: "/nowhere",
  launch: nowhere,
  protocol: 1,
  user: null,
  folders: [],
  env: {},
  cwd: "/nowhere",
  stdin: nowhere,
  stdout: nowhere,
  stderr: nowhere,
};
