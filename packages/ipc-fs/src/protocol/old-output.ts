import type { AgentWord } from "@waybill/core";
import { z } from "zod";

import { textSchema } from "./field-schemas.ts";
import type { Frame } from "./frame-parser.ts";
import { FRAME_LINE_BYTES } from "./limits.ts";
import { readJson, refused } from "./read-json.ts";
import type { Reading } from "./read-json.ts";

/** Protocol 0: the JSON of a frame. */
export interface OldOutput {
  readonly status?: string | undefined;
  readonly result?: string | null | undefined;
  readonly newSessionId?: string | null | undefined;
  readonly error?: string | null | undefined;
}

/** The shape of a frame's JSON; it has at least one of these fields. */
export const oldOutputSchema: z.ZodType<OldOutput> = z
  .object({
    status: z.string().max(64).optional(),
    result: textSchema(FRAME_LINE_BYTES).nullish(),
    newSessionId: textSchema(200).nullish(),
    error: textSchema(FRAME_LINE_BYTES).nullish(),
  })
  .refine((output) => Object.values(output).some((value) => value !== undefined), {
    message: "must have one of status, result, newSessionId, error",
  });

/**
 * Reads a frame as the end of a turn. The turn is named after the frame's place in the stream, so
 * that it has the same name after a restart of the host. Codes of refusal: `FRAME_TOO_LARGE`,
 * `FRAME_EMPTY`, and those of the last line that began like an object.
 */
export function readFrame(frame: Frame): Reading<Extract<AgentWord, { type: "turn_ended" }>> {
  let refusal = frame.cut
    ? refused("FRAME_TOO_LARGE", `Its line is longer than ${FRAME_LINE_BYTES} bytes.`)
    : refused("FRAME_EMPTY", "No line between its markers is a JSON object.");
  // Noise may stand between the markers, and a log line may be JSON too.
  for (const candidate of frame.candidates.toReversed()) {
    const output = readJson(candidate, oldOutputSchema, "FRAME_INVALID");
    if (output.ok) {
      return { ok: true, value: turnEnded(output.value, frame) };
    }
    refusal = frame.cut ? refusal : output;
  }
  return refusal;
}

function turnEnded(output: OldOutput, frame: Frame): Extract<AgentWord, { type: "turn_ended" }> {
  const { status = "success", result, newSessionId, error } = output;
  const failed = status !== "success" || (typeof error === "string" && error !== "");
  return {
    type: "turn_ended",
    turn: `frame-${frame.start}`,
    outcome: failed ? "failed" : "completed",
    text: result ?? "",
    ...(failed
      ? {
          error: {
            code: "AGENT_ERROR",
            message: error ?? `The agent said status ${JSON.stringify(status)}.`,
          },
        }
      : {}),
    ...(typeof newSessionId === "string" ? { conversation: newSessionId } : {}),
  };
}
