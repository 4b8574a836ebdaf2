import * as z from "zod";
import type { Board } from "./board.ts";
import { chatRow, taskRow } from "./board.ts";
import type { BoardRecord, TaskRow } from "./board-rows.ts";
import { refused } from "./exchange.ts";
import type { Answer, Exchange } from "./exchange.ts";

const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
const word = z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/);
const content = z.string().min(1).max(262_144);
const clientId = z.string().min(1).max(255).optional();
const labelList = z.array(z.string().min(1).max(64)).max(64);
const newChat = z.object({ id: id.optional(), title: z.string().max(200).optional() });
const newTask = z.object({
  id: id.optional(),
  title: z.string().min(1).max(500),
  description: z.string().max(65_536).optional(),
  status: word.optional(),
  assigned_to: word.nullish(),
  labels: labelList.optional(),
  client_id: clientId,
});
const newMessage = z.object({
  sender_type: word,
  sender_name: z.string().min(1).max(200),
  content,
  reply_to: id.optional(),
  client_id: clientId,
});
const newComment = z.object({ author: z.string().min(1).max(200), content, client_id: clientId });
const taskChange = z
  .object({
    status: word.optional(),
    assigned_to: word.nullish(),
    title: z.string().min(1).max(500).optional(),
    description: z.string().max(65_536).optional(),
    add_labels: labelList.optional(),
    remove_labels: labelList.optional(),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), {
    message: "something to change is needed",
  });

/** Checks a write and says what it does; `commit` does it. */
export type Write = () => Answer | { readonly commit: (seq: number, at: string) => BoardRecord };

/** What the route writes; null for any other route. */
export function boardWrite(
  exchange: Exchange,
  board: Board,
  route: string,
  target: string,
): Write | null {
  switch (route) {
    case "POST chats":
      return () => createChat(exchange, board);
    case "POST tasks":
      return () => createTask(exchange, board);
    case "POST chats/:id/messages":
      return () => addMessage(exchange, board, target);
    case "POST tasks/:id/comments":
      return () => addComment(exchange, target);
    case "PATCH tasks/:id":
      return () => changeTask(exchange, board, target);
    default:
      return null;
  }
}

function createChat(exchange: Exchange, board: Board): ReturnType<Write> {
  return checked(exchange, newChat, (body) => {
    if (body.id !== undefined && board.chat(body.id) !== undefined) {
      return refused(409, "CHAT_EXISTS", `There is a chat ${body.id} already.`);
    }
    return {
      commit: (seq, at) => ({
        kind: "chat",
        row: chatRow({ ...given(body), id: body.id ?? `chat-${seq}` }, at),
      }),
    };
  });
}

function createTask(exchange: Exchange, board: Board): ReturnType<Write> {
  return checked(exchange, newTask, (body) => {
    if (body.id !== undefined && board.task(body.id) !== undefined) {
      return refused(409, "TASK_EXISTS", `There is a task ${body.id} already.`);
    }
    return {
      commit: (seq, at) => ({
        kind: "task",
        row: taskRow({ ...given(body), id: body.id ?? `task-${seq}`, title: body.title }, at),
      }),
    };
  });
}

function addMessage(exchange: Exchange, board: Board, chat: string): ReturnType<Write> {
  return checked(exchange, newMessage, (body) => {
    const { reply_to: answered } = body;
    if (answered !== undefined && board.message(answered)?.chat_id !== chat) {
      return refused(422, "REPLY_INVALID", `There is no message ${answered} in this chat.`);
    }
    return {
      commit: (seq, at) => ({
        kind: "message",
        row: {
          id: `m-${seq}`,
          chat_id: chat,
          sender_type: body.sender_type,
          sender_name: body.sender_name,
          content: body.content,
          reply_to: answered ?? null,
          client_id: body.client_id ?? null,
          created_at: at,
        },
      }),
    };
  });
}

function addComment(exchange: Exchange, task: string): ReturnType<Write> {
  return checked(exchange, newComment, (body) => ({
    commit: (seq, at) => ({
      kind: "comment",
      row: {
        id: `c-${seq}`,
        task_id: task,
        ...body,
        client_id: body.client_id ?? null,
        created_at: at,
      },
    }),
  }));
}

function changeTask(exchange: Exchange, board: Board, target: string): ReturnType<Write> {
  const task = board.task(target);
  if (task === undefined) {
    return refused(404, "TASK_NOT_FOUND", `There is no task ${target}.`);
  }
  return checked(exchange, taskChange, (body) => ({
    commit: (seq, at) => ({
      kind: "change",
      row: {
        id: `t-${seq}`,
        task_id: target,
        status: body.status ?? null,
        assigned_to: body.assigned_to ?? null,
        title: body.title ?? null,
        description: body.description ?? null,
        add_labels: body.add_labels ?? null,
        remove_labels: body.remove_labels ?? null,
        client_id: exchange.key,
        created_at: at,
      },
      task: changedTask(task, body, at),
    }),
  }));
}

function changedTask(task: TaskRow, body: z.infer<typeof taskChange>, at: string): TaskRow {
  const { add_labels: added = [], remove_labels: removed = [], ...fields } = body;
  const kept = task.labels.filter((label) => !removed.includes(label) && !added.includes(label));
  return { ...task, ...given(fields), labels: [...kept, ...added], updated_at: at };
}

function checked<T>(
  exchange: Exchange,
  schema: z.ZodType<T>,
  then: (body: T) => ReturnType<Write>,
): ReturnType<Write> {
  let json: unknown;
  try {
    json = JSON.parse(exchange.body);
  } catch {
    return refused(400, "BODY_INVALID", "The body is no JSON.");
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refused(
      422,
      "BODY_INVALID",
      `${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim(),
    );
  }
  return then(parsed.data);
}

/** What was given, without the fields that were left out. */
function given<T extends object>(body: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(body).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
