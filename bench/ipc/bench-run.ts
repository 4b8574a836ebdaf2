import { randomBytes } from "node:crypto";
import type { JsonObject, RunPlan, RunSpec } from "@waybill/core";

/** A run of the bench with an id of its own. */
export function benchRun(config: JsonObject, runsAs: RunSpec["runsAs"] = "host"): RunSpec {
  const id = randomBytes(8).toString("hex");
  return {
    owner: "bench",
    sessionId: `bench-${id}`,
    runId: `run-${id}`,
    epoch: 1,
    protocol: 1,
    agent: { slug: "bench", name: "Bench" },
    conversation: { id: "0f8f3f0e-8e0f-4c5e-9d5c-6f5a0b1c2d3e", resume: false },
    unsettled: [],
    prompt: null,
    config,
    runsAs,
  };
}

/** Where the plan puts something on the host. */
export function folderOf(plan: RunPlan, at: string): string {
  const folder = plan.folders.find((candidate) => candidate.at === at);
  if (folder === undefined) throw new Error(`The plan has no ${at}.`);
  return folder.host;
}
