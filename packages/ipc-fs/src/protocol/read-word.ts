import { z } from "zod";

import { checkShape, parseHostile, refused } from "./read-json.ts";
import type { Reading } from "./read-json.ts";
import { wordEnvelopeSchema } from "./word-schema.ts";
import type { WordEnvelope, WrittenWord } from "./word-schema.ts";

const KNOWN: ReadonlySet<string> = new Set<WrittenWord["type"]>([
  "hello",
  "accepted",
  "turn_ended",
  "operation",
  "bye",
]);

/** What every envelope has, whatever its type, so that the first thing wrong is the thing named. */
const outlineSchema: z.ZodType<{ v: number; seq: number; type: string }> = z.object({
  v: z.number(),
  seq: z.number(),
  type: z.string(),
});

/**
 * Reads the file of the outbox with this sequence number. Codes of refusal: those of `readJson`,
 * `NOT_AN_ENVELOPE`, `UNKNOWN_VERSION`, `UNKNOWN_TYPE`, `WRONG_SEQUENCE`, `INVALID_WORD`.
 */
export function readWord(bytes: Uint8Array, seq: number): Reading<WrittenWord> {
  const parsed = parseHostile(bytes);
  if (!parsed.ok) {
    return parsed;
  }
  const outline = checkShape(parsed.value, outlineSchema, "NOT_AN_ENVELOPE");
  if (!outline.ok) {
    return outline;
  }
  const { v, type } = outline.value;
  if (v !== 1) {
    return refused("UNKNOWN_VERSION", `Its version is ${v}; this host reads version 1.`);
  }
  if (!KNOWN.has(type)) {
    return refused("UNKNOWN_TYPE", `Its type ${JSON.stringify(type.slice(0, 64))} is unknown.`);
  }
  if (outline.value.seq !== seq) {
    return refused(
      "WRONG_SEQUENCE",
      `It says that it is number ${outline.value.seq}, but it lies at number ${seq}.`,
    );
  }
  const envelope = checkShape(parsed.value, wordEnvelopeSchema, "INVALID_WORD");
  return envelope.ok ? { ok: true, value: wordOf(envelope.value) } : envelope;
}

function wordOf(envelope: WordEnvelope): WrittenWord {
  switch (envelope.type) {
    case "hello":
      return { type: "hello", ...envelope.data };
    case "accepted":
      return { type: "accepted", ...envelope.data };
    case "turn_ended":
      return { type: "turn_ended", ...envelope.data };
    case "operation":
      return { type: "operation", ...envelope.data };
    case "bye":
      return { type: "bye" };
    default:
      return envelope satisfies never;
  }
}
