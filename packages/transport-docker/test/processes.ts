import { readFile, readdir } from "node:fs/promises";
import type { RunPlan } from "@waybill/core";

/** Kills the `docker run` of this plan, where one is at work. */
export async function killCommandLines(plan: RunPlan): Promise<void> {
  for (const pid of await processes()) {
    const line = await commandLine(pid);
    if (line.startsWith("docker\0run") && line.includes(plan.runId)) kill(pid);
  }
}

/** The pids of `docker events` that this process started, by way of a shell. */
export async function followersOf(parent: number): Promise<number[]> {
  const followers: number[] = [];
  for (const pid of await processes()) {
    if (!(await commandLine(pid)).startsWith("docker\0events")) continue;
    if ((await parentOf(await parentOf(pid))) === parent) followers.push(pid);
  }
  return followers;
}

/** The pids of what this process started and is still there. */
export async function childrenOf(parent: number): Promise<number[]> {
  const children: number[] = [];
  for (const pid of await processes()) if ((await parentOf(pid)) === parent) children.push(pid);
  return children;
}

async function processes(): Promise<number[]> {
  return (await readdir("/proc")).map(Number).filter((pid) => pid > 0);
}

async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^PPid:\s+(\d+)$/mu.exec(status)?.[1] ?? 0);
}

/** The words of a process, each with a NUL after it; empty where it is gone. */
export async function commandLine(pid: number): Promise<string> {
  return await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It ended by itself meanwhile.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
