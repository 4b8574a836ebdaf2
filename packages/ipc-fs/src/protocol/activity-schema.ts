import type { Activity } from "@waybill/core";
import { z } from "zod";

import { countSchema } from "./field-schemas.ts";
import { ACTIVITY_LINE_BYTES } from "./limits.ts";
import { readJson } from "./read-json.ts";

/** Text that people watch on a terminal: control characters could drive it, so they go. */
const shown = z.string().max(ACTIVITY_LINE_BYTES).overwrite(withoutControls);

/** A line of the activity stream. */
export const activitySchema: z.ZodType<Activity> = z.discriminatedUnion("type", [
  z.object({ type: z.literal("thinking") }),
  z.object({ type: z.literal("text"), text: shown }),
  z.object({ type: z.literal("tool_started"), tool: shown, summary: shown }),
  z.object({ type: z.literal("tool_ended"), tool: shown, ok: z.boolean() }),
  z.object({ type: z.literal("retrying"), reason: shown, attempt: countSchema }),
  z.object({ type: z.literal("compacting") }),
  z.object({ type: z.literal("idle") }),
]);

/** Reads a line of the activity stream; null for one that is none. */
export function readActivity(line: Uint8Array): Activity | null {
  const reading = readJson(line, activitySchema, "INVALID_ACTIVITY");
  return reading.ok ? reading.value : null;
}

function withoutControls(text: string): string {
  return text.toWellFormed().replaceAll(/(?![\n\t])\p{Cc}/gu, "");
}
