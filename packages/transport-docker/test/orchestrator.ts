import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { RunPlan } from "@waybill/core";
import { execa } from "execa";
import type { DockerTransportOptions } from "../src/index.ts";
import { testImage } from "./fixture.ts";

/** What another process does with a plan. */
export interface OrchestratorJob {
  readonly acts: readonly ("start" | "watch" | "stay")[];
  readonly options?: Partial<DockerTransportOptions>;
  readonly umask?: number;
}

/** Starts another process that acts on the plan through a transport of its own. */
export async function orchestrator(
  plan: RunPlan,
  { options, ...job }: OrchestratorJob,
): Promise<{ readonly process: ReturnType<typeof run> }> {
  const path = `${plan.control}.job-${Math.random().toString(36).slice(2)}.json`;
  const text = JSON.stringify({ ...job, options: { image: testImage, ...options }, plan });
  await writeFile(path, text);
  return { process: run(path) };
}

const run = (path: string) =>
  execa(process.execPath, ["--conditions=@waybill/source", program, path], { reject: false });

/** What it has told, once it has ended. */
export function told(result: { readonly stdout: string }): unknown[] {
  return result.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
}

const program = fileURLToPath(new URL("./programs/orchestrator.ts", import.meta.url));
