import { setTimeout as pause } from "node:timers/promises";
import { isAlive, signalProcess } from "./process-table.ts";
import type { ProcessEntry, ProcessRef, ProcessTable } from "./process-table.ts";

/** By what the processes of one run are known. */
export interface RunProcesses {
  readonly runId: string;
  /** Spared, so that it can record how the agent ended; what it started is not. */
  readonly launcher: ProcessRef;
  /** The agent's first process; null where it was never recorded. */
  readonly agent: ProcessRef | null;
}

/** The name in the environment by which a process is known whose parent is gone. */
export const runTag = "WAYBILL_RUN";

/**
 * Kills every process of a run except its launcher, and resolves once they are gone, with those
 * that would not go within `patienceMs`.
 *
 * They are frozen first: a stopped process starts no others, so that once a look at the table finds
 * nobody new, everybody is known. Killing one by one, as one walks, loses the race against a fork.
 */
export async function killProcesses(
  table: ProcessTable,
  run: RunProcesses,
  patienceMs = 5_000,
): Promise<readonly ProcessRef[]> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    for (const ref of freeze(table, run, deadline)) signalProcess(table, ref, "SIGKILL");
    const left = processesOf(table, run);
    if (left.length === 0 || performance.now() > deadline) return left;
    await pause(10);
  }
}

/** The living processes of a run: its agent, whatever descends from it, and whoever bears its tag. */
export function processesOf(table: ProcessTable, run: RunProcesses): readonly ProcessEntry[] {
  // What is older than the launcher cannot descend from it; this also keeps the look cheap.
  const candidates = table
    .all()
    .filter((entry) => entry.startTime >= run.launcher.startTime)
    .filter((entry) => entry.pid !== process.pid && entry.pid !== run.launcher.pid);
  const spared = isAlive(table, run.launcher) ? run.launcher.pid : null;
  const members = new Set(candidates.filter((entry) => isRoot(table, run, entry, spared)));
  const pids = new Set([...members].map((entry) => entry.pid));
  for (let before = -1; before !== members.size;) {
    before = members.size;
    for (const entry of candidates) {
      // A session's number is proof only while its leader is there, dead or alive: later it is reused.
      if (members.has(entry) || !(pids.has(entry.parent) || pids.has(entry.session))) continue;
      members.add(entry);
      pids.add(entry.pid);
    }
  }
  return [...members].filter((entry) => entry.alive);
}

function isRoot(
  table: ProcessTable,
  run: RunProcesses,
  entry: ProcessEntry,
  launcherPid: number | null,
): boolean {
  if (entry.pid === run.agent?.pid && entry.startTime === run.agent.startTime) return true;
  if (launcherPid !== null && entry.parent === launcherPid) return true;
  return table.environmentOf(entry.pid, runTag) === run.runId;
}

function freeze(table: ProcessTable, run: RunProcesses, deadline: number): readonly ProcessEntry[] {
  const frozen = new Set<string>();
  for (;;) {
    const members = processesOf(table, run);
    const fresh = members.filter((entry) => !frozen.has(`${entry.pid}/${entry.startTime}`));
    if (fresh.length === 0 || performance.now() > deadline) return members;
    for (const entry of fresh) {
      frozen.add(`${entry.pid}/${entry.startTime}`);
      signalProcess(table, entry, "SIGSTOP");
    }
  }
}
