import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { scriptedModel } from "@waybill/agent/testing";
import { agentRun, bareRun, type MeasuredRun } from "./agent/measured-run.ts";
import { containers, processes } from "./agent/place.ts";
import { benchLine } from "./bench-line.ts";
import type { BenchLine, Round } from "./bench-line.ts";
import { workFolder } from "./work-folder.ts";

const STARTS = 7;
const MESSAGES = 40;
const IMAGE = process.env["RUNNER_IMAGE"] ?? "team-board-agent:latest";

/**
 * What our program adds to the SDK: to its start in a container, to the way of a message, and to the
 * memory of a session at rest. The SDK alone, in the same image under the same limits and in the same
 * rounds, is the baseline.
 */
export async function benchAgent(): Promise<BenchLine[]> {
  await using work = await workFolder();
  const starts = await startRounds(work.path);
  const model = await scriptedModel();
  try {
    const place = processes(model.url);
    const agent = await agentRun(place, work.path);
    await agent.ready();
    const bare = await bareRun(place, work.path);
    const rounds = await messageRounds(agent, bare);
    await pause(2_000);
    const [wrapper, program] = memoryOf(agent);
    for (const run of [agent, bare]) process.kill(-(run.child.pid ?? 0), "SIGKILL");
    return [
      line("docker run to the first accepted message", "ms", starts, { atMostTimes: 1.15 }),
      line("message file to accepted, against a line into the SDK", "ms", rounds, {
        atMostAbove: 5,
      }),
      line("idle session: our program", "MB", [{ value: wrapper, baseline: null }], null),
      line("idle session: the SDK's program", "MB", [{ value: program, baseline: null }], null),
    ];
  } finally {
    await model.close();
  }
}

/** From `docker run` until the SDK has begun with the first message, which waits there already. */
async function startRounds(folder: string): Promise<readonly Round[]> {
  const names: string[] = [];
  const place = containers(IMAGE, (name) => names.push(name));
  const once = async (make: typeof agentRun): Promise<number> => {
    const begun = performance.now();
    const run = await make(place, folder);
    const at = await run.send();
    execFileSync("docker", ["rm", "-f", names.at(-1) ?? ""], { stdio: "ignore" });
    return at - begun;
  };
  const rounds: Round[] = [];
  for (let round = -1; round < STARTS; round += 1) {
    const first = round % 2 === 0 ? [agentRun, bareRun] : [bareRun, agentRun];
    const took = new Map<unknown, number>();
    for (const make of first) took.set(make, await once(make));
    // The first round fills caches and is not counted.
    const [value = 0, baseline = 0] = [took.get(agentRun), took.get(bareRun)];
    if (round >= 0) rounds.push({ value, baseline });
  }
  return rounds;
}

async function messageRounds(agent: MeasuredRun, bare: MeasuredRun): Promise<readonly Round[]> {
  const once = async (run: MeasuredRun): Promise<number> => {
    const begun = performance.now();
    const at = await run.send();
    await run.over();
    return at - begun;
  };
  const rounds: Round[] = [];
  for (let round = -3; round < MESSAGES; round += 1) {
    const baseline = await once(bare);
    const value = await once(agent);
    if (round >= 0) rounds.push({ value, baseline });
  }
  return rounds;
}

/** Resident memory of our program, and of everything that it started, in megabytes. */
function memoryOf({ child }: MeasuredRun): readonly [number, number] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc").filter((each) => /^\d+$/.test(each))) {
    const parent = Number(/^PPid:\t(\d+)$/m.exec(statusOf(name))?.[1]);
    if (Number.isFinite(parent)) parents.set(Number(name), parent);
  }
  const own = child.pid ?? 0;
  const below = [...parents].filter(([, parent]) => parent === own).map(([pid]) => pid);
  return [residentMb(own), below.map(residentMb).reduce((sum, each) => sum + each, 0)];
}

function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(statusOf(String(pid)))?.[1] ?? 0) / 1024;
}

function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return ""; // it has ended
  }
}

function line(
  metric: string,
  unit: string,
  rounds: readonly Round[],
  target: Parameters<typeof benchLine>[0]["target"],
): BenchLine {
  return benchLine({ bench: "agent", metric, unit, rounds, target });
}
