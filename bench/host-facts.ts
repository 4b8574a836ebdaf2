import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { median } from "./bench-line.ts";
import { workFolder } from "./work-folder.ts";

/** What the figures of a run depend on. */
export interface HostFacts {
  readonly node: string;
  readonly platform: string;
  readonly cpus: number;
  readonly cpuModel: string;
  readonly memoryGiB: number;
  /** Others at work on this machine when the bench began, by the load of the last minute. */
  readonly loadBefore: number;
  readonly idleLoopDelayMs: number;
  readonly rawFsyncMs: number;
}

/** Looks at the machine, for a second or so. */
export async function hostFacts(): Promise<HostFacts> {
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch} ${release()}`,
    cpus: availableParallelism(),
    cpuModel: cpus()[0]?.model ?? "unknown",
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadBefore: loadavg()[0] ?? 0,
    idleLoopDelayMs: await loopDelay(500),
    rawFsyncMs: await rawFsync(200),
  };
}

/** The median delay of the event loop over a while, in milliseconds. */
export async function loopDelay(durationMs: number): Promise<number> {
  const monitor = monitorEventLoopDelay({ resolution: 1 });
  monitor.enable();
  await setTimeout(durationMs);
  monitor.disable();
  return monitor.percentile(50) / 1e6;
}

async function rawFsync(count: number): Promise<number> {
  await using folder = await workFolder();
  const file = openSync(join(folder.path, "raw"), "w");
  const block = Buffer.alloc(512, 1);
  const times = Array.from({ length: count }, () => {
    const begun = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    return performance.now() - begun;
  });
  closeSync(file);
  return median(times);
}
