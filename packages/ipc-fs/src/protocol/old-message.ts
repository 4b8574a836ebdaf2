import { z } from "zod";

/** Protocol 0: a file in `ipc/input`. */
export interface OldMessage {
  readonly type: "message";
  readonly text: string;
}

/** The shape of such a file. */
export const oldMessageSchema: z.ZodType<OldMessage> = z.object({
  type: z.literal("message"),
  text: z.string(),
});
