/*
 * An orchestrator for tests to kill: `node --conditions=@waybill/source orchestrator.ts JOB.json`,
 * where the job says what to do with which plan. Tells each thing it learns as a line of JSON.
 */
import { readFileSync } from "node:fs";
import type { RunPlan } from "@waybill/core";
import { processTransport } from "../../src/index.ts";

interface Job {
  readonly plan: RunPlan;
  readonly command: readonly [string, ...string[]];
  readonly acts: readonly ("start" | "watch" | "stay")[];
  readonly umask?: number;
}

const job = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Job;
if (job.umask !== undefined) process.umask(job.umask);
const transport = processTransport({ command: job.command });
const tell = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
tell("here");
for (const act of job.acts) {
  if (act === "start") tell(await transport.start(job.plan));
  if (act === "watch") {
    for await (const sighting of transport.watch(job.plan, new AbortController().signal)) {
      tell(sighting);
    }
  }
  // Until somebody kills it.
  if (act === "stay") setInterval(() => undefined, 60_000);
}
