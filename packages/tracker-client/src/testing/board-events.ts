import type { BoardEntry, CommentRow, MessageRow, TaskRow } from "./board-rows.ts";

/** An event as the board tells it. `previous_cursor` is the event before it: so gaps are seen. */
export type EventRow = {
  readonly id: string;
  readonly cursor: string;
  readonly previous_cursor: string | null;
  readonly at: string;
  /** Of the call that did it; null where it had none. */
  readonly client_id: string | null;
} & (
  | {
      readonly type: "task.created" | "task.assigned" | "task.cancelled" | "task.updated";
      readonly task: TaskRow;
    }
  | { readonly type: "task.reassigned"; readonly task: TaskRow; readonly previous: string }
  | { readonly type: "task.commented"; readonly comment: CommentRow }
  | {
      readonly type: "chat.message";
      readonly message: MessageRow;
      readonly mentions: readonly string[];
      readonly reply_to: MessageRow | null;
    }
);

type Happening = EventRow extends infer Row
  ? Row extends EventRow
    ? Omit<Row, "id" | "cursor" | "previous_cursor" | "at" | "client_id">
    : never
  : never;

/** What the board was before the entry: an event says what changed. */
export interface BoardBefore {
  readonly task: (id: string) => TaskRow | undefined;
  readonly message: (id: string) => MessageRow | undefined;
  /** The cursor of the newest event so far. */
  readonly cursor: string | null;
}

/** The event that a log entry makes; null for what nobody needs to hear of. */
export function boardEvent(entry: BoardEntry, before: BoardBefore): EventRow | null {
  const told = happening(entry, before);
  if (told === null) {
    return null;
  }
  const { happening: what, at } = told;
  const place = { cursor: String(entry.seq), previous_cursor: before.cursor, at };
  const client_id = entry.key ?? clientIdOf(entry);
  return { id: `e-${entry.seq}`, ...place, client_id, ...what };
}

function clientIdOf({ record }: BoardEntry): string | null {
  return "row" in record && "client_id" in record.row ? record.row.client_id : null;
}

function happening(
  { record }: BoardEntry,
  before: BoardBefore,
): { readonly happening: Happening; readonly at: string } | null {
  switch (record.kind) {
    case "chat":
    case "absorbed":
      return null;
    case "task": {
      const type = record.row.assigned_to === null ? "task.created" : "task.assigned";
      return { happening: { type, task: record.row }, at: record.row.created_at };
    }
    case "change":
      return {
        happening: changeOf(record.task, before.task(record.task.id)),
        at: record.row.created_at,
      };
    case "comment":
      return {
        happening: { type: "task.commented", comment: record.row },
        at: record.row.created_at,
      };
    case "message": {
      const { row } = record;
      const answered = row.reply_to === null ? null : (before.message(row.reply_to) ?? null);
      const said = { message: row, mentions: mentionsIn(row.content), reply_to: answered };
      return { happening: { type: "chat.message", ...said }, at: row.created_at };
    }
  }
}

// One entry is one event: where a change does several things, the one that matters most to whoever
// works on the task.
function changeOf(task: TaskRow, old: TaskRow | undefined): Happening {
  if (task.status === "cancelled" && old?.status !== "cancelled") {
    return { type: "task.cancelled", task };
  }
  const previous = old?.assigned_to ?? null;
  if (task.assigned_to === previous) {
    return { type: "task.updated", task };
  }
  return previous === null
    ? { type: "task.assigned", task }
    : { type: "task.reassigned", task, previous };
}

// "@coder" and "@Кодер", and not the host of an address.
function mentionsIn(content: string): readonly string[] {
  const found = content.matchAll(/(?<![\p{L}\p{N}_.-])@([\p{L}\p{N}][\p{L}\p{N}_-]{0,39})/gu);
  return [...new Set([...found].map(([, name = ""]) => name))];
}
