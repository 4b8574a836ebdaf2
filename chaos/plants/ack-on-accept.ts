import type { Plant } from "./plant.ts";

/** Only the end of its turn settles a message. */
export const ackOnAccept: Plant = {
  name: "ack-on-accept",
  why: "A message counts as settled as soon as the agent has accepted it.",
  edits: [
    {
      file: "packages/core/src/session/folds/message-folds.ts",
      find: "  MessageAccepted(draft, data) {",
      replace:
        '  MessageAccepted(draft, data) {\n    draft.edit("messages").delete(data.messageId);',
    },
  ],
  caughtBy: ["--points", "all", "--shard", "1/10", "--pairs", "0"],
};
