import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Mailbox, RunPlan } from "@waybill/core";
import { benchRun, folderOf } from "./bench-run.ts";
import { syncedLog } from "./synced-log.ts";

const SESSIONS = 50;
const WORDS = 200;

/** What 50 sessions of one host cost. */
export interface ManySessions {
  readonly wordsPerSecond: number;
  /** Per cent of one processor while none of them says a thing. */
  readonly idlePerCent: number;
}

/**
 * Words a second of 50 sessions, written by one other process, and the host's idle cost. The writer
 * is a plain process: 50 containers would measure the engine.
 */
export async function manySessions(mailbox: Mailbox, folder: string): Promise<ManySessions> {
  const plans: RunPlan[] = [];
  for (let index = 0; index < SESSIONS; index += 1) plans.push(await mailbox.prepare(benchRun({})));
  const stop = new AbortController();
  await using log = await syncedLog(join(folder, "many"));
  const count = { heard: 0 };
  const listening = plans.map(async (plan) => {
    const options = { after: { seq: 0, offset: 0 }, follow: true, signal: stop.signal };
    for await (const batch of mailbox.receive(plan, options)) {
      const words = batch.filter(({ type }) => type === "word");
      if (words.length === 0) continue;
      await log.append(`${JSON.stringify(words)}\n`);
      count.heard += words.length;
    }
  });
  const writer = fork(new URL("writer.ts", import.meta.url), {
    execArgv: ["--conditions=@waybill/source"],
  });
  const begun = performance.now();
  writer.send({ outboxes: plans.map((plan) => folderOf(plan, "/waybill/outbox")), words: WORDS });
  const exited = once(writer, "exit");
  while (count.heard < SESSIONS * WORDS) await pause(1);
  const wordsPerSecond = count.heard / ((performance.now() - begun) / 1_000);
  await exited;
  // After a while without words, the mailbox sweeps at its idle pace.
  await pause(4_000);
  const from = process.cpuUsage();
  const idleFrom = performance.now();
  await pause(5_000);
  const { user, system } = process.cpuUsage(from);
  const idlePerCent = ((user + system) / 1_000 / (performance.now() - idleFrom)) * 100;
  stop.abort();
  await Promise.all(listening);
  return { wordsPerSecond, idlePerCent };
}
