import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { RunPlan } from "@waybill/core";
import { execa } from "execa";
import { scripted } from "./process-fixture.ts";

/** What another process does with a plan. */
export interface OrchestratorJob {
  readonly acts: readonly ("start" | "watch" | "stay")[];
  readonly command?: readonly string[];
  readonly umask?: number;
}

/** Starts another process (a promise of its end) that acts on the plan through a transport of its own. */
export function orchestrator(plan: RunPlan, job: OrchestratorJob) {
  const path = `${plan.control}.job-${Math.random().toString(36).slice(2)}.json`;
  writeFileSync(path, JSON.stringify({ command: scripted, ...job, plan }));
  return execa(process.execPath, ["--conditions=@waybill/source", program, path], {
    reject: false,
  });
}

/** What it has told, once it has ended. */
export function told(result: { readonly stdout: string }): unknown[] {
  return result.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
}

const program = fileURLToPath(new URL("./programs/orchestrator.ts", import.meta.url));
