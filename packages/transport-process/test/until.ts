import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { RunExit, RunHandle, RunPlan, Transport } from "@waybill/core";

/** Resolves with the first value that is not null or false; fails after 15 s. */
export async function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const deadline = performance.now() + 15_000; performance.now() < deadline;) {
    const value = await look();
    if (value !== null && value !== undefined && value !== false) return value;
    await pause(20);
  }
  throw new Error(`Waited 15 s in vain for ${what}.`);
}

/** Resolves once the run's program has said `ready`. */
export async function ready(plan: RunPlan): Promise<void> {
  await until("ready", async () => (await readFile(plan.stdout.host, "utf8")).includes("ready"));
}

/** How often the run's program was started. */
export async function startsOf(plan: RunPlan): Promise<number> {
  return (await readFile(plan.stdout.host, "utf8")).split("ready\n").length - 1;
}

/** How the run ended, once it has. */
export async function ended(transport: Transport, run: RunHandle): Promise<RunExit> {
  for await (const sighting of transport.watch(run, AbortSignal.timeout(20_000))) {
    if (sighting.type === "exited") return sighting.exit;
    if (sighting.type === "absent") throw new Error("The run is absent.");
  }
  throw new Error("The run did not end within 20 s.");
}

/** The pids of a run, from the records of its launcher. */
export async function pidsOf(plan: RunPlan): Promise<{ launcher: number; agent: number }> {
  const claim = await recordOf(plan, "launcher.json");
  const agent = await recordOf(plan, "agent.json");
  return { launcher: (claim["launcher"] as { pid: number }).pid, agent: agent["pid"] as number };
}

/** One of the run's records. */
export async function recordOf(plan: RunPlan, name: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(`${plan.control}/${name}`, "utf8")) as Record<string, unknown>;
}
