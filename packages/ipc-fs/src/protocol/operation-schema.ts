import type { AgentOperation } from "@waybill/core";
import { z } from "zod";

import { countSchema, idSchema, textSchema } from "./field-schemas.ts";
import { FILE_BYTES } from "./limits.ts";

const content = textSchema(FILE_BYTES);
const status = textSchema(64);
const title = textSchema(1_000);
const labels = z.array(textSchema(200)).max(100);

/** Something that an agent asks the host for, at the Tracker or of a person. Unknown fields are left out. */
export const operationSchema: z.ZodType<AgentOperation> = z.discriminatedUnion("type", [
  z.object({ type: z.literal("chat.send"), chat: idSchema, content }),
  z.object({
    type: z.literal("chat.read"),
    chat: idSchema,
    after: idSchema.exactOptional(),
    limit: countSchema.exactOptional(),
  }),
  z.object({
    type: z.literal("task.list"),
    status: status.exactOptional(),
    assignedTo: idSchema.exactOptional(),
    label: textSchema(200).exactOptional(),
  }),
  z.object({ type: z.literal("task.get"), task: idSchema }),
  z.object({ type: z.literal("task.take"), task: idSchema }),
  z.object({ type: z.literal("task.comment"), task: idSchema, content }),
  z.object({ type: z.literal("task.status"), task: idSchema, status }),
  z.object({ type: z.literal("task.complete"), task: idSchema }),
  z.object({
    type: z.literal("task.create"),
    title,
    description: content.exactOptional(),
    status: status.exactOptional(),
    assignedTo: idSchema.exactOptional(),
    labels: labels.exactOptional(),
  }),
  z.object({
    type: z.literal("task.update"),
    task: idSchema,
    title: title.exactOptional(),
    description: content.exactOptional(),
    assignedTo: idSchema.nullable().exactOptional(),
    addLabels: labels.exactOptional(),
    removeLabels: labels.exactOptional(),
  }),
  z.object({
    type: z.literal("person.ask"),
    question: textSchema(16_384),
    choices: z.array(textSchema(1_000)).max(20).exactOptional(),
  }),
  z.object({
    type: z.literal("person.permit"),
    tool: textSchema(200),
    input: z.record(z.string(), z.json()),
    reason: textSchema(8_192).exactOptional(),
  }),
]);
