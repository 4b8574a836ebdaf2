import type { Plant } from "./plant.ts";

/** What follows from a decision is done once that is recorded. */
export const actFirst: Plant = {
  name: "act-first",
  why: "What a decision leads to is begun before the decision is durable.",
  edits: [
    {
      file: "packages/core/src/runtime/session-loop.ts",
      find: "const { version } = this.#state;",
      replace:
        "const { version } = this.#state; const before = this.#state; this.#state = decided.state; this.#reconcile(); this.#state = before;",
    },
  ],
  caughtBy: ["--simulate", "--seed", "1", "--runs", "20"],
};
