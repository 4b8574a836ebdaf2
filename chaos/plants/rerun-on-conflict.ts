import type { Plant } from "./plant.ts";

/** After a conflict, only the decision is made again. */
export const rerunOnConflict: Plant = {
  name: "rerun-on-conflict",
  why: "An outcome that meets a version conflict has its effect carried out once more.",
  edits: [
    {
      file: "packages/core/src/runtime/session-loop.ts",
      find: "      // Somebody else appended: know that too, and decide the same commands again.",
      replace: `      for (const { waiting: { command } } of kept) {
        if (command.type === "Succeeded" && this.#world !== null) await carryOut(this.#world, command.effect, new AbortController().signal);
      }`,
    },
  ],
  caughtBy: ["--points", "all", "--no-keys", "--shard", "1/10", "--pairs", "0"],
};
