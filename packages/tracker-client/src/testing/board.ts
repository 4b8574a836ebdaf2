import { boardEvent } from "./board-events.ts";
import type { EventRow } from "./board-events.ts";
import { openBoardLog } from "./board-log.ts";
import type {
  BoardEntry,
  BoardRecord,
  ChangeRow,
  ChatRow,
  CommentRow,
  MessageRow,
  TaskRow,
} from "./board-rows.ts";

/** What the board itself knows of what was done: what a demo counts, whatever its client believes. */
export interface BoardRecords {
  readonly chats: readonly ChatRow[];
  readonly tasks: readonly TaskRow[];
  /** In the order in which they were done, over all chats. */
  readonly messages: readonly MessageRow[];
  readonly comments: readonly CommentRow[];
  readonly taskChanges: readonly ChangeRow[];
  /** Repeats that were answered from memory, and changed nothing. */
  readonly absorbed: number;
}

/** A chat to begin with. */
export interface ChatSeed {
  readonly id: string;
  readonly title?: string;
}

/** A task to begin with. */
export interface TaskSeed {
  readonly id: string;
  readonly title: string;
  readonly description?: string;
  /** Default: `todo`. */
  readonly status?: string;
  readonly assigned_to?: string | null;
  readonly labels?: readonly string[];
  readonly client_id?: string | null;
}

/** The call under which something is done. */
export interface Under {
  readonly key: string;
  readonly digest: string;
}

/** What a key stands for: nothing yet, this very request, or another one. */
export type KeyState = { readonly record: BoardRecord } | "another" | null;

/** The board's state and its log. Everything here is synchronous, so that a commit is one step. */
export interface Board {
  readonly records: BoardRecords;
  chat(id: string): ChatRow | undefined;
  task(id: string): TaskRow | undefined;
  message(id: string): MessageRow | undefined;
  messages(chat: string): readonly MessageRow[];
  comments(task: string): readonly CommentRow[];
  changes(task: string): readonly ChangeRow[];
  /** Everything that was told so far, in order. */
  readonly events: readonly EventRow[];
  /** Calls the listener after each new event. The returned function ends it. */
  onEvent(listener: () => void): () => void;
  keyState(under: Under): KeyState;
  /** Does it; `make` gets the number that names it. Returns once it is in the log. */
  commit<R extends BoardRecord>(make: (seq: number, at: string) => R, under?: Under): R;
  /** Notes that a repeat was answered from memory. */
  absorb(under: Under): void;
  close(): void;
}

/** Opens a board over its file, or in memory, with the seeds that it lacks. */
export function openBoard(options: {
  readonly file?: string | undefined;
  readonly chats: readonly ChatSeed[];
  readonly tasks: readonly TaskSeed[];
}): Board {
  const log = openBoardLog(options.file);
  const chats = new Map<string, ChatRow>();
  const tasks = new Map<string, TaskRow>();
  const keys = new Map<string, BoardEntry>();
  const messages = indexed<MessageRow>((row) => row.chat_id);
  const comments = indexed<CommentRow>((row) => row.task_id);
  const changes = indexed<ChangeRow>((row) => row.task_id);
  const messagesById = new Map<string, MessageRow>();
  const events: EventRow[] = [];
  const listeners = new Set<() => void>();
  let seq = 0;
  let absorbed = 0;

  const apply = (entry: BoardEntry): void => {
    const { record } = entry;
    const event = boardEvent(entry, {
      task: (id) => tasks.get(id),
      message: (id) => messagesById.get(id),
      cursor: events.at(-1)?.cursor ?? null,
    });
    seq = entry.seq;
    switch (record.kind) {
      case "chat":
        chats.set(record.row.id, record.row);
        break;
      case "task":
        tasks.set(record.row.id, record.row);
        break;
      case "message":
        messages.add(record.row);
        messagesById.set(record.row.id, record.row);
        break;
      case "comment":
        comments.add(record.row);
        break;
      case "change":
        changes.add(record.row);
        tasks.set(record.task.id, record.task);
        break;
      case "absorbed":
        absorbed += 1;
        return;
    }
    if (entry.key !== null) {
      keys.set(entry.key, entry);
    }
    if (event !== null) {
      events.push(event);
    }
  };

  const commit = <R extends BoardRecord>(
    make: (seq: number, at: string) => R,
    under?: Under,
  ): R => {
    const record = make(seq + 1, new Date().toISOString());
    const entry = { seq: seq + 1, key: under?.key ?? null, digest: under?.digest ?? null, record };
    log.append(entry);
    apply(entry);
    listeners.forEach((listener) => listener());
    return record;
  };

  log.entries.forEach(apply);
  for (const seed of options.chats.filter(({ id }) => !chats.has(id))) {
    commit((_, at) => ({ kind: "chat", row: chatRow(seed, at) }));
  }
  for (const seed of options.tasks.filter(({ id }) => !tasks.has(id))) {
    commit((_, at) => ({ kind: "task", row: taskRow(seed, at) }));
  }

  return {
    records: {
      get chats() {
        return [...chats.values()];
      },
      get tasks() {
        return [...tasks.values()];
      },
      messages: messages.all,
      comments: comments.all,
      taskChanges: changes.all,
      get absorbed() {
        return absorbed;
      },
    },
    chat: (id) => chats.get(id),
    task: (id) => tasks.get(id),
    message: (id) => messagesById.get(id),
    messages: messages.of,
    comments: comments.of,
    changes: changes.of,
    events,
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    keyState: ({ key, digest }) => {
      const known = keys.get(key);
      if (known === undefined) {
        return null;
      }
      return known.digest === digest ? { record: known.record } : "another";
    },
    commit,
    absorb: (under) => void commit(() => ({ kind: "absorbed" }), under),
    close: () => log.close(),
  };
}

/** A new chat. */
export function chatRow(seed: ChatSeed, at: string): ChatRow {
  return { id: seed.id, title: seed.title ?? seed.id, created_at: at };
}

/** A new task. */
export function taskRow(seed: TaskSeed, at: string): TaskRow {
  return {
    id: seed.id,
    title: seed.title,
    description: seed.description ?? "",
    status: seed.status ?? "todo",
    assigned_to: seed.assigned_to ?? null,
    labels: seed.labels ?? [],
    client_id: seed.client_id ?? null,
    created_at: at,
    updated_at: at,
  };
}

function indexed<Row>(target: (row: Row) => string): {
  readonly all: readonly Row[];
  readonly add: (row: Row) => void;
  readonly of: (target: string) => readonly Row[];
} {
  const all: Row[] = [];
  const byTarget = new Map<string, Row[]>();
  return {
    all,
    add: (row) => {
      all.push(row);
      const rows = byTarget.get(target(row));
      if (rows === undefined) {
        byTarget.set(target(row), [row]);
      } else {
        rows.push(row);
      }
    },
    of: (id) => byTarget.get(id) ?? [],
  };
}
