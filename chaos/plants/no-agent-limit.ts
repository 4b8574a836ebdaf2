import type { Plant } from "./plant.ts";

/** How many runs of one agent live at once is limited, in each orchestrator. */
export const noAgentLimit: Plant = {
  name: "no-agent-limit",
  why: "A session gets a run however many of its agent live already.",
  edits: [
    {
      file: "packages/core/src/runtime/admission.ts",
      find: "if (ofAgent >= (limits.runsPerAgent?.[place.agent] ?? Infinity)) continue;",
      replace: "",
    },
  ],
  caughtBy: ["--simulate", "--seed", "1", "--runs", "100"],
};
