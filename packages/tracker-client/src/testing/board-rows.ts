import * as z from "zod";

/** A chat of the board. */
export interface ChatRow {
  readonly id: string;
  readonly title: string;
  readonly created_at: string;
}

/** A task of the board as it stands. */
export interface TaskRow {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly status: string;
  readonly assigned_to: string | null;
  readonly labels: readonly string[];
  /** Of the call that made it; null for one that was there from the start. */
  readonly client_id: string | null;
  readonly created_at: string;
  readonly updated_at: string;
}

/** A message, as stored and as answered. */
export interface MessageRow {
  readonly id: string;
  readonly chat_id: string;
  readonly sender_type: string;
  readonly sender_name: string;
  readonly content: string;
  /** The message of the same chat that it answers. */
  readonly reply_to: string | null;
  readonly client_id: string | null;
  readonly created_at: string;
}

/** A comment on a task. */
export interface CommentRow {
  readonly id: string;
  readonly task_id: string;
  readonly author: string;
  readonly content: string;
  readonly client_id: string | null;
  readonly created_at: string;
}

/** A change of a task: what was asked for, null where nothing was, and by which call. */
export interface ChangeRow {
  readonly id: string;
  readonly task_id: string;
  readonly status: string | null;
  readonly assigned_to: string | null;
  readonly title: string | null;
  readonly description: string | null;
  readonly add_labels: readonly string[] | null;
  readonly remove_labels: readonly string[] | null;
  /** The Idempotency-Key of the call; kept also while keys are off, so that it can be looked up. */
  readonly client_id: string | null;
  readonly created_at: string;
}

/** One thing that happened on the board. `absorbed` is a repeat that changed nothing. */
export type BoardRecord =
  | { readonly kind: "chat"; readonly row: ChatRow }
  | { readonly kind: "task"; readonly row: TaskRow }
  | { readonly kind: "message"; readonly row: MessageRow }
  | { readonly kind: "comment"; readonly row: CommentRow }
  | { readonly kind: "change"; readonly row: ChangeRow; readonly task: TaskRow }
  | { readonly kind: "absorbed" };

/** A line of the board's log: what happened, and under which key, in one atomic piece. */
export interface BoardEntry {
  /** 1 for the first entry, then one more for each: the cursor of whoever follows the board. */
  readonly seq: number;
  readonly key: string | null;
  /** Of the whole request, so that a key that comes with another request is recognised. */
  readonly digest: string | null;
  readonly record: BoardRecord;
}

const text = z.string();
const maybe = z.string().nullable();
const chat = z.object({ id: text, title: text, created_at: text });
const task = z.object({
  id: text,
  title: text,
  description: text,
  status: text,
  assigned_to: maybe,
  labels: z.array(text),
  client_id: maybe.default(null),
  created_at: text,
  updated_at: text,
});
const message = z.object({
  id: text,
  chat_id: text,
  sender_type: text,
  sender_name: text,
  content: text,
  reply_to: maybe.default(null),
  client_id: maybe,
  created_at: text,
});
const comment = z.object({
  id: text,
  task_id: text,
  author: text,
  content: text,
  client_id: maybe,
  created_at: text,
});
const words = z.array(text).nullable().default(null);
// What a file of an earlier release lacks was not there to be asked for.
const change = z.object({
  id: text,
  task_id: text,
  status: maybe,
  assigned_to: maybe,
  title: maybe.default(null),
  description: maybe.default(null),
  add_labels: words,
  remove_labels: words,
  client_id: maybe,
  created_at: text,
});

/** The schema of a line in the board's file. */
export const boardEntry: z.ZodType<BoardEntry> = z.object({
  seq: z.int().positive(),
  key: maybe,
  digest: maybe,
  record: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("chat"), row: chat }),
    z.object({ kind: z.literal("task"), row: task }),
    z.object({ kind: z.literal("message"), row: message }),
    z.object({ kind: z.literal("comment"), row: comment }),
    z.object({ kind: z.literal("change"), row: change, task }),
    z.object({ kind: z.literal("absorbed") }),
  ]),
});
