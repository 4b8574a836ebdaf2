import type { BoardAuthor, TaskFacts, TrackerHappening } from "@waybill/core";
import * as z from "zod";
import { instant } from "../board-shapes.ts";
import type { ToldEvent } from "./in-order.ts";

const id = z.union([z.string().min(1).max(200), z.number().transform(String)]);
const maybe = z
  .string()
  .nullish()
  .transform((value) => value ?? null)
  .catch(null);
const plain = z
  .string()
  .nullish()
  .transform((value) => value ?? "")
  .catch("");

const task: z.ZodType<TaskFacts> = z
  .object({
    id,
    title: plain,
    description: plain,
    status: z.string(),
    assigned_to: maybe,
    labels: z.array(z.string()).catch([]),
  })
  .transform(({ assigned_to: assignedTo, ...rest }) => ({ ...rest, assignedTo }));

const said = z.object({ id, sender_type: maybe, sender_name: maybe });
const author = (item: {
  readonly sender_type: string | null;
  readonly sender_name: string | null;
}): BoardAuthor => ({ type: item.sender_type, name: item.sender_name });

const chatMessage: z.ZodType<TrackerHappening> = z
  .object({
    type: z.literal("chat.message"),
    message: said.extend({ chat_id: id, content: z.string() }),
    mentions: z.array(z.string()).catch([]),
    reply_to: said.nullable().catch(null),
  })
  .transform(({ type, message, mentions, reply_to: answered }) => ({
    type,
    message: {
      id: message.id,
      chat: message.chat_id,
      author: author(message),
      content: message.content,
      mentions,
      replyTo: answered === null ? null : { id: answered.id, author: author(answered) },
    },
  }));

const happenings = z.union([
  z.object({
    type: z.enum(["task.assigned", "task.cancelled", "task.created", "task.updated"]),
    task,
  }),
  z.object({ type: z.literal("task.reassigned"), task, previous: z.string() }),
  z
    .object({
      type: z.literal("task.commented"),
      comment: z.object({ task_id: id, author: maybe, content: z.string() }),
    })
    .transform(({ type, comment }) => ({
      type,
      task: comment.task_id,
      author: { type: null, name: comment.author },
      content: comment.content,
    })),
  chatMessage,
]);

// Whatever an event says, its place counts: one that means nothing to us must not stop the rest.
const event: z.ZodType<ToldEvent> = z
  .looseObject({
    id,
    cursor: z.string().min(1).max(512),
    previous_cursor: z.string().nullable().optional(),
    at: instant,
    client_id: maybe,
    type: z.string().max(100),
  })
  .transform((body) => {
    const known = happenings.safeParse(body);
    const happening: TrackerHappening = known.success
      ? known.data
      : { type: "other", name: body.type };
    const { id: eventId, cursor, at, client_id: cause, previous_cursor: previous } = body;
    return { event: { id: eventId, cursor, at, cause, ...happening }, previous };
  });

/** An answer to `GET /api/v1/events`. */
export interface ToldPage {
  readonly events: readonly ToldEvent[];
  /** Whether there is more to ask for at once. */
  readonly more: boolean;
  /** Whether the board tells its events over WebSocket; null where it does not say. */
  readonly websocket: boolean | null;
}

/** The schema of a page. */
export const eventPageShape: z.ZodType<ToldPage> = z
  .object({
    events: z.array(event),
    more: z.boolean().catch(false),
    websocket: z.boolean().nullish(),
  })
  .transform(({ websocket, ...page }) => ({ ...page, websocket: websocket ?? null }));

/** What the board says over WebSocket. */
export type SocketWord =
  | { readonly type: "hello"; readonly heartbeatMs: number; readonly after: string | null }
  | { readonly type: "event"; readonly told: ToldEvent }
  /** A sign of life, with the newest event that was sent; undefined where the board does not say. */
  | { readonly type: "heartbeat"; readonly cursor: string | null | undefined }
  /** Something that this release does not know. */
  | { readonly type: "other" };

/** The schema of a text that came over WebSocket. */
export const socketWord: z.ZodType<SocketWord> = z.union([
  z
    .object({
      type: z.literal("hello"),
      heartbeat_ms: z.number().min(10).max(300_000),
      after: z.string().nullish(),
    })
    .transform(({ type, heartbeat_ms: heartbeatMs, after = null }) => ({
      type,
      heartbeatMs,
      after,
    })),
  z
    .object({ type: z.literal("event"), event })
    .transform(({ type, event: told }) => ({ type, told })),
  z
    .object({ type: z.literal("heartbeat"), cursor: z.string().nullish() })
    .transform(({ type, cursor }) => ({ type, cursor })),
  z
    .object({ type: z.string().refine((type) => !["hello", "event", "heartbeat"].includes(type)) })
    .transform(() => ({ type: "other" as const })),
]);
