import type { Plant } from "./plant.ts";

/** A start of unknown outcome may have started the run. */
export const secondStart: Plant = {
  name: "second-start",
  why: "A start that failed ends its run, although nobody knows whether its process lives.",
  edits: [
    {
      file: "packages/core/src/session/rules/outcome-rules.ts",
      find: "if (isOver || attempt >= decision.state.policy.startAttempts) {",
      replace: "if (attempt > 0) {",
    },
    {
      file: "packages/core/src/session/folds/run-folds.ts",
      find: 'phase: { type: "start_failed" }',
      replace: 'phase: { type: "over", exit: null }',
    },
  ],
  caughtBy: ["--simulate", "--seed", "1", "--runs", "100"],
};
