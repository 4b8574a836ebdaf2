import type { Plant } from "./plant.ts";

/** Who looks for orphans asks the log: it may have been taken over and not know it. */
export const staleSweep: Plant = {
  name: "stale-sweep",
  why: "A run that a frozen process does not know is stopped as an orphan when that wakes.",
  edits: [
    {
      file: "packages/core/src/runtime/running-orchestrator.ts",
      find: "await loop.refresh();",
      replace: "",
    },
  ],
  caughtBy: ["--simulate", "--seed", "1", "--runs", "100"],
};
