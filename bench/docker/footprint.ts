import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { DockerBench } from "./ground.ts";
import { residentMb } from "./ground.ts";

const SESSIONS = 12;

/** What a watched idle run costs the host, beside the one follower of events. */
export async function footprint(
  ground: DockerBench,
): Promise<{ readonly processes: number; readonly memoryMb: number }> {
  const transport = ground.transport(["sleep", "3600"]);
  const watching = new AbortController();
  const watches: Promise<void>[] = [];
  const add = async (): Promise<void> => {
    const plan = await ground.plan();
    await transport.start(plan);
    const seen = Promise.withResolvers<void>();
    const watch = async (): Promise<void> => {
      for await (const _ of transport.watch(plan, watching.signal)) seen.resolve();
    };
    watches.push(watch());
    await seen.promise;
  };
  // The first one brings the follower and all that is loaded once.
  for (let run = 0; run < 4; run += 1) await add();
  await sleep(1_500);
  const before = { processes: children(), memory: residentMb() };
  for (let run = 0; run < SESSIONS; run += 1) await add();
  await sleep(1_500);
  const after = { processes: children(), memory: residentMb() };
  watching.abort();
  await Promise.all(watches);
  return {
    processes: (after.processes - before.processes) / SESSIONS,
    memoryMb: Math.max(0, after.memory - before.memory) / SESSIONS,
  };
}

/** How many processes this one has as children. */
export function children(): number {
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const status = readFileSync(`/proc/${name}/stat`, "utf8");
      return Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1]) === process.pid;
    } catch {
      return false; // it ended meanwhile
    }
  }).length;
}
