import type { Plant } from "./plant.ts";

/** A key that is another one for each repeat is none. */
export const noKey: Plant = {
  name: "no-key",
  why: "Each repeat of an operation carries a key of its own, so the Tracker takes it for a new one.",
  edits: [
    {
      file: "packages/core/src/runtime/carry-out.ts",
      find: "return { key, operation,",
      // The first attempt looks as ever: only what is done twice gives it away.
      replace: "return { key: effect.attempt === 1 ? key : `${key}#${effect.attempt}`, operation,",
    },
  ],
  caughtBy: ["--points", "all", "--shard", "1/10", "--pairs", "0"],
};
