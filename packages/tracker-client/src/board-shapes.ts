import type { Instant, Json, JsonObject } from "@waybill/core";
import * as z from "zod";
import { otherFields } from "./answer-json.ts";

/** A message as an agent gets it, whatever the board calls its fields. */
export type BoardMessage = {
  readonly id: string;
  /** `agent`, `human`, or the board's own word; null where it does not say. */
  readonly senderType: string | null;
  readonly sender: string | null;
  readonly content: string;
  readonly at: Instant | null;
};

/** A task as an agent gets it. */
export type BoardTask = {
  readonly id: string;
  readonly title: string | null;
  readonly description: string | null;
  readonly status: string;
  readonly assignedTo: string | null;
  readonly labels: readonly string[];
  /** When it last changed. */
  readonly at: Instant | null;
  /** What else the board says of it, under its own names. */
  readonly fields: Readonly<Record<string, Json>>;
};

/** What a write leaves behind on the board: enough to know it again. */
export interface Trace {
  readonly id: string;
  /** The key of the call that it came from. */
  readonly clientId: string | null;
  readonly at: Instant | null;
  /** What the board shows of it: `author` and `content`, or `status` and `assigned_to`. */
  readonly says: JsonObject;
}

const id = z.union([z.string().min(1).max(200), z.number().transform(String)]);
// What only describes is null where the board says nothing or something else.
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null)
  .catch(null);
/** An instant, or null for what is none. A time without a zone is none either: whose hour is it? */
export const instant: z.ZodType<Instant | null> = z
  .unknown()
  .optional()
  .transform((value) =>
    typeof value === "string" &&
    /(?:Z|[+-]\d\d:?\d\d)$/i.test(value) &&
    !Number.isNaN(Date.parse(value))
      ? Date.parse(value)
      : null,
  );

const written: z.ZodType<Trace> = z
  .object({
    id,
    client_id: text,
    sender_name: text,
    author: text,
    content: text,
    created_at: instant,
  })
  .transform((item) => {
    const author = item.sender_name ?? item.author;
    return {
      id: item.id,
      clientId: item.client_id,
      at: item.created_at,
      says: {
        ...(author === null ? {} : { author }),
        ...(item.content === null ? {} : { content: item.content }),
      },
    };
  });

const message: z.ZodType<BoardMessage> = z
  .object({ id, sender_type: text, sender_name: text, content: z.string(), created_at: instant })
  .transform((item) => ({
    id: item.id,
    senderType: item.sender_type,
    sender: item.sender_name,
    content: item.content,
    at: item.created_at,
  }));

const task: z.ZodType<BoardTask> = z
  .looseObject({
    id,
    title: text,
    description: text,
    status: z.string(),
    assigned_to: text,
    labels: z.array(z.string()).catch([]),
    updated_at: instant,
  })
  .transform((item) => ({
    id: item.id,
    title: item.title,
    description: item.description,
    status: item.status,
    assignedTo: item.assigned_to,
    labels: item.labels,
    at: item.updated_at,
    fields: otherFields(item, taskFields),
  }));
const taskFields = ["id", "title", "description", "status", "assigned_to", "labels", "updated_at"];

const labels = z.array(z.string()).nullish().catch(undefined);

// In a change, null says something: that this part of the task was left as it was.
const changed: z.ZodType<Trace> = z
  .object({
    id,
    client_id: text,
    status: text,
    assigned_to: text,
    title: z.string().nullish().catch(undefined),
    description: z.string().nullish().catch(undefined),
    add_labels: labels,
    remove_labels: labels,
    created_at: instant,
  })
  .transform(({ id: change, client_id: clientId, created_at: madeAt, ...item }) => ({
    id: change,
    clientId,
    at: madeAt,
    says: shown(item),
  }));

// A task may have been changed since it was made, so nothing that it says now speaks against us.
const taskMade: z.ZodType<Trace> = z
  .object({ id, client_id: text, created_at: instant })
  .transform((item) => ({
    id: item.id,
    clientId: item.client_id,
    at: item.created_at,
    says: {},
  }));

/** The schemas of the board's answers. A list may come bare or under its name. */
export const shapes: {
  readonly written: z.ZodType<Trace>;
  readonly task: z.ZodType<BoardTask>;
  readonly messages: z.ZodType<readonly BoardMessage[]>;
  readonly tasks: z.ZodType<readonly BoardTask[]>;
  readonly taskTraces: z.ZodType<readonly Trace[]>;
  readonly messageTraces: z.ZodType<readonly Trace[]>;
  readonly commentTraces: z.ZodType<readonly Trace[]>;
  readonly changeTraces: z.ZodType<readonly Trace[]>;
} = {
  written,
  task,
  messages: listOf("messages", message),
  tasks: listOf("tasks", task),
  taskTraces: listOf("tasks", taskMade),
  messageTraces: listOf("messages", written),
  commentTraces: listOf("comments", written),
  changeTraces: listOf("changes", changed),
};

function listOf<T>(name: string, item: z.ZodType<T>): z.ZodType<readonly T[]> {
  const list = z.array(item);
  return z.union([list, z.object({ [name]: list }).transform((body) => body[name] ?? [])]);
}

/** What the board shows; a field that it lacks says nothing. */
function shown(item: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(item).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
