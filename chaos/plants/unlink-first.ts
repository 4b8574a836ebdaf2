import type { Plant } from "./plant.ts";

/** The old runner's worst: what an agent says is let go of before it is recorded. */
export const unlinkFirst: Plant = {
  name: "unlink-first",
  why: "The mailbox is told to forget a batch before the batch is recorded.",
  edits: [
    {
      file: "packages/core/src/runtime/carry-out.ts",
      find: "if (words.length > 0) await world.report(",
      replace: "if (words.length > 0) void world.report(",
    },
  ],
  caughtBy: ["--points", "all", "--shard", "1/10", "--pairs", "0"],
};
