import type { Plant } from "./plant.ts";

/** Every wait has a deadline. */
export const forgetDeadline: Plant = {
  name: "forget-deadline",
  why: "A run that starts and never says hello is waited for for ever.",
  edits: [
    {
      file: "packages/core/src/session/deadlines.ts",
      find: 'yield kill(run, "start_deadline", from(run.phase.at) + policy.startMs);',
      replace: "",
    },
  ],
  caughtBy: ["--points", "all", "--shard", "1/10", "--pairs", "0"],
};
