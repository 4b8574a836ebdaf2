import { z } from "zod";

import { activitySchema } from "./activity-schema.ts";
import { letterEnvelopeSchema } from "./letter-schema.ts";
import { oldMessageSchema } from "./old-message.ts";
import { oldOperationSchema } from "./old-operation.ts";
import { oldOutputSchema } from "./old-output.ts";
import { oldStartSchema } from "./old-start-schema.ts";
import { startSchema } from "./start-schema.ts";
import { wordEnvelopeSchema } from "./word-schema.ts";

/** A JSON Schema, JSON-safe. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const SCHEMAS: Readonly<Record<string, { readonly title: string; readonly schema: z.ZodType }>> = {
  start: { title: "Protocol 1: standard input of an agent", schema: startSchema },
  word: { title: "Protocol 1: a file in the outbox, agent to host", schema: wordEnvelopeSchema },
  letter: { title: "Protocol 1: a file in the inbox, host to agent", schema: letterEnvelopeSchema },
  activity: { title: "Protocol 1: a line of .stream.jsonl", schema: activitySchema },
  "old-start": { title: "Protocol 0: standard input of an agent", schema: oldStartSchema },
  "old-message": { title: "Protocol 0: a file in ipc/input", schema: oldMessageSchema },
  "old-operation": {
    title: "Protocol 0: a file in ipc/messages or ipc/tasks",
    schema: oldOperationSchema,
  },
  "old-output": { title: "Protocol 0: the JSON of a frame on stdout", schema: oldOutputSchema },
};

/**
 * The protocol's JSON Schemas (2020-12) by name, made from the schemas that the host reads with.
 * They describe what a writer may write: fields that they do not name are allowed and ignored.
 */
export function protocolJsonSchemas(): Readonly<Record<string, JsonSchema>> {
  return Object.fromEntries(
    Object.entries(SCHEMAS).map(([name, { title, schema }]) => [
      name,
      { title, ...z.toJSONSchema(schema, { io: "input" }) },
    ]),
  );
}
