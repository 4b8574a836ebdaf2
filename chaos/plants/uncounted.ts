import type { Plant } from "./plant.ts";

/** A run that lived already when its session came takes a place as any other. */
export const uncounted: Plant = {
  name: "uncounted",
  why: "Runs that an orchestrator adopts take no places, so that it starts as many more.",
  edits: [
    {
      file: "packages/core/src/runtime/running-orchestrator.ts",
      find: "if (state.run !== null && state.owner?.name === this.#owner) this",
      replace:
        "if (state.run !== null && state.owner?.name === this.#owner && state.run.trace.epoch === state.owner.epoch) this",
    },
  ],
  caughtBy: ["--simulate", "--seed", "1", "--runs", "100"],
};
