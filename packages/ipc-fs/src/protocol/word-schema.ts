import type { AgentWord } from "@waybill/core";
import { z } from "zod";

import { countSchema, idSchema, textSchema } from "./field-schemas.ts";
import { FILE_BYTES } from "./limits.ts";
import { operationSchema } from "./operation-schema.ts";

/** The words that an agent writes; the host's mailbox makes the others. */
export type WrittenWord = Exclude<AgentWord, { type: "unreadable" | "gap" }>;

/** A file of the outbox, parsed. */
export type WordEnvelope = EnvelopeOf<WrittenWord>;

type EnvelopeOf<Word> = Word extends WrittenWord
  ? {
      readonly v: 1;
      readonly seq: number;
      readonly type: Word["type"];
      readonly at: number;
      readonly data: Omit<Word, "type">;
    }
  : never;

const usage = z.object({
  inputTokens: countSchema,
  outputTokens: countSchema,
  cacheReadTokens: countSchema,
  cacheWriteTokens: countSchema,
});

const turnError = z.object({
  code: textSchema(64),
  message: textSchema(8_192),
  class: z.enum(["transient", "rate", "permanent"]).exactOptional(),
  resetsAt: z
    .int()
    .nonnegative()
    .meta({ description: "For a rate limit: when it ends, in milliseconds since 1970." })
    .exactOptional(),
});

const envelope = <Type extends string, Data extends z.ZodType>(type: Type, data: Data) =>
  z.object({
    v: z.literal(1),
    seq: z.int().positive(),
    type: z.literal(type),
    at: z
      .number()
      .meta({ description: "Milliseconds since 1970 by the agent's clock; orders nothing." }),
    data,
  });

/** A file of the outbox. Unknown fields are left out. */
export const wordEnvelopeSchema: z.ZodType<WordEnvelope> = z.discriminatedUnion("type", [
  envelope(
    "hello",
    z.object({
      agent: textSchema(200),
      context: z.enum(["fresh", "resumed", "lost"]),
      holds: z.array(idSchema).max(4_096),
    }),
  ),
  envelope("accepted", z.object({ turn: idSchema, message: idSchema })),
  envelope(
    "turn_ended",
    z.object({
      turn: idSchema,
      outcome: z.enum(["completed", "failed", "interrupted", "exhausted"]),
      text: textSchema(FILE_BYTES),
      error: turnError.exactOptional(),
      usage: usage.exactOptional(),
      costUsd: z.number().nonnegative().exactOptional(),
      transcript: textSchema(200).exactOptional(),
    }),
  ),
  envelope("operation", z.object({ operation: operationSchema })),
  envelope("bye", z.object({})),
]);
