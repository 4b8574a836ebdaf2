import type { Plant } from "./plant.ts";

/** A key that is another one for each attempt is none. */
export const noKey: Plant = {
  name: "no-key",
  why: "Each attempt at an operation carries a key of its own, so the Tracker takes it for a new one.",
  edits: [
    {
      file: "packages/core/src/runtime/carry-out.ts",
      find: "return { key, operation,",
      replace: "return { key: `${key}#${effect.attempt}`, operation,",
    },
  ],
  caughtBy: ["--points", "all", "--shard", "1/10"],
};
