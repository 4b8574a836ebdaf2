import type { Plant } from "./plant.ts";

/** A run's last words lie in its mailbox when it is over. */
export const skipDrain: Plant = {
  name: "skip-drain",
  why: "A run that is over counts as drained although nobody has read its last words.",
  edits: [
    {
      file: "packages/core/src/runtime/carry-out.ts",
      find: "await receive(world, effect.run, effect.after, { follow: false, signal });",
      replace: "",
    },
  ],
  caughtBy: ["--simulate", "--seed", "1", "--runs", "100"],
};
