import type { Plant } from "./plant.ts";

/** How many runs live at once is limited, in each orchestrator. */
export const noLimit: Plant = {
  name: "no-limit",
  why: "A session gets a run however many live already.",
  edits: [
    {
      file: "packages/core/src/runtime/admission.ts",
      find: "if (taken.length >= (limits.runs ?? Infinity)) break;",
      replace: "",
    },
  ],
  caughtBy: ["--simulate", "--seed", "1", "--runs", "100"],
};
