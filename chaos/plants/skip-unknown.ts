import type { Plant } from "./plant.ts";

/** An unknown receipt that is skipped is delivered twice. */
export const skipUnknown: Plant = {
  name: "skip-unknown",
  why: "An event that a later release wrote, and that must be understood, is passed over.",
  edits: [
    {
      file: "packages/core/src/runtime/session-record.ts",
      find: "if (!stored.mustUnderstand) return null;",
      replace: "return null;",
    },
  ],
  caughtBy: ["--points", "all", "--shard", "1/10", "--pairs", "0"],
};
