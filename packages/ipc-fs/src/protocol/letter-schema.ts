import type { Json, Letter } from "@waybill/core";
import { z } from "zod";

import { countSchema, idSchema } from "./field-schemas.ts";

/** A file of the inbox, parsed. */
export type LetterEnvelope = EnvelopeOf<Letter>;

type EnvelopeOf<Kind> = Kind extends Letter
  ? {
      readonly v: 1;
      readonly type: Kind["type"];
      readonly at: number;
      readonly data: Omit<Kind, "type">;
    }
  : never;

const envelope = <Type extends string, Data extends z.ZodType>(type: Type, data: Data) =>
  z.object({
    v: z.literal(1),
    type: z.literal(type),
    at: z.number().meta({ description: "Milliseconds since 1970 by the host's clock." }),
    data,
  });

const json: z.ZodType<Json> = z.json();

/** A file of the inbox. A reader leaves out fields that it does not know. */
export const letterEnvelopeSchema: z.ZodType<LetterEnvelope> = z.discriminatedUnion("type", [
  envelope(
    "message",
    z.object({
      id: idSchema,
      delivery: z.int().positive(),
      position: countSchema,
      text: z.string(),
      from: z.string().nullable(),
    }),
  ),
  envelope(
    "answer",
    z.object({
      re: z.int().positive(),
      status: z.enum(["delivered", "rejected", "abandoned"]),
      data: json.exactOptional(),
      error: z.object({ code: z.string(), message: z.string() }).exactOptional(),
    }),
  ),
  envelope("interrupt", z.object({ turn: idSchema })),
  envelope("close", z.object({ reason: z.string(), deadlineMs: countSchema })),
]);
