import { WaybillError } from "../errors.ts";
import type { Json, JsonObject } from "../json.ts";
import type { MessageFacts, TaskFacts, TrackerEvent } from "../ports/tracker-event.ts";
import type { Seen } from "./telling-by-reading.ts";

/** What was last seen of a board: enough to know what is new. */
export interface Snapshot {
  /** How many events were told so far. */
  readonly told: number;
  /** Status and assignee of each task. */
  readonly tasks: Readonly<Record<string, readonly [status: string, assignedTo: string | null]>>;
  /** The last message of each chat. */
  readonly chats: Readonly<Record<string, string>>;
}

/** What was seen before anything was. */
const nothing: Snapshot = { told: 0, tasks: {}, chats: {} };

/** The snapshot in a cursor. Throws `TRACKER_CURSOR_UNKNOWN` for one that is none of these. */
export function whereFrom(cursor: string | null): Snapshot {
  if (cursor === null) return nothing;
  const value = parsed(cursor);
  if (
    isObject(value) &&
    typeof value["told"] === "number" &&
    isObject(value["tasks"]) &&
    isObject(value["chats"])
  ) {
    return value as unknown as Snapshot;
  }
  throw new WaybillError(
    "TRACKER_CURSOR_UNKNOWN",
    "The cursor is none of a board that is read: it comes from a Tracker that told its events itself. Begin without a cursor.",
  );
}

/** What is new since the last look, each with the snapshot then. */
export function whatChanged(
  last: Snapshot,
  seen: Seen,
): readonly { readonly event: TrackerEvent; readonly after: Snapshot }[] {
  const found: { event: TrackerEvent; after: Snapshot }[] = [];
  let after = last;
  const tell = (happening: Happening, id: string, next: Partial<Snapshot>): void => {
    after = { ...after, ...next, told: after.told + 1 };
    const place = { id, cursor: JSON.stringify(after), at: null, cause: null };
    found.push({ event: { ...place, ...happening }, after });
  };
  for (const task of seen.tasks.map(taskOf)) {
    const [status, assignedTo] = after.tasks[task.id] ?? [null, null];
    if (status === task.status && assignedTo === task.assignedTo) continue;
    const tasks = { ...after.tasks, [task.id]: [task.status, task.assignedTo] as const };
    // The count makes the same change at another time another event.
    tell(taskHappening(task, status, assignedTo), `task:${task.id}:${after.told + 1}`, { tasks });
  }
  for (const [chat, page] of Object.entries(seen.messages)) {
    for (const message of page.map((item) => messageOf(chat, item))) {
      const chats = { ...after.chats, [chat]: message.id };
      tell({ type: "chat.message", message }, `message:${chat}:${message.id}`, { chats });
    }
  }
  return found;
}

type Happening =
  | { readonly type: "chat.message"; readonly message: MessageFacts }
  | { readonly type: "task.reassigned"; readonly task: TaskFacts; readonly previous: string }
  | {
      readonly type: "task.assigned" | "task.cancelled" | "task.created" | "task.updated";
      readonly task: TaskFacts;
    };

function taskHappening(task: TaskFacts, status: string | null, previous: string | null): Happening {
  if (task.status === "cancelled" && status !== "cancelled")
    return { type: "task.cancelled", task };
  if (task.assignedTo !== previous) {
    return previous === null
      ? { type: "task.assigned", task }
      : { type: "task.reassigned", task, previous };
  }
  return { type: status === null ? "task.created" : "task.updated", task };
}

// The fields of BoardTask and BoardMessage, as `perform` gives them; what is missing is empty.
function taskOf(item: JsonObject): TaskFacts {
  const labels = item["labels"];
  return {
    id: text(item["id"]) ?? "",
    title: text(item["title"]) ?? "",
    description: text(item["description"]) ?? "",
    status: text(item["status"]) ?? "",
    assignedTo: text(item["assignedTo"]),
    labels: Array.isArray(labels) ? labels.filter((label) => typeof label === "string") : [],
  };
}

function messageOf(chat: string, item: JsonObject): MessageFacts {
  const content = text(item["content"]) ?? "";
  const found = content.matchAll(/(?<![\p{L}\p{N}_.-])@([\p{L}\p{N}][\p{L}\p{N}_-]{0,39})/gu);
  return {
    id: text(item["id"]) ?? "",
    chat,
    author: { type: text(item["senderType"]), name: text(item["sender"]) },
    content,
    mentions: [...new Set([...found].map(([, name = ""]) => name))],
    replyTo: null,
  };
}

function text(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

function parsed(cursor: string): Json {
  try {
    return JSON.parse(cursor);
  } catch {
    return null;
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
