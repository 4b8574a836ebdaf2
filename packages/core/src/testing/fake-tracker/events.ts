import type { Instant } from "../../ids.ts";
import type {
  BoardAuthor,
  MessageFacts,
  TaskFacts,
  TrackerEvent,
  TrackerHappening,
} from "../../ports/tracker-event.ts";

/** What people do on the fake board; `at` is when, by default the time of the machine. */
export interface FakeHappenings {
  /** Somebody says something. Gives the message's id. */
  say(
    message: {
      readonly chat: string;
      readonly content: string;
      /** Default: a human named Ann. */
      readonly by?: BoardAuthor;
      /** The id of a message that it answers. */
      readonly replyTo?: string;
    },
    at?: Instant,
  ): string;
  /** Somebody makes a task, or changes one: what is not given stays. */
  task(task: Partial<TaskFacts> & Pick<TaskFacts, "id">, at?: Instant): void;
}

/** The events of a fake board; `cause` is the key of the call. */
export interface FakeEvents {
  readonly events: readonly TrackerEvent[];
  readonly people: FakeHappenings;
  onEvent(listener: () => void): () => void;
  message(
    message: {
      readonly id: string;
      readonly chat: string;
      readonly content: string;
      readonly by: BoardAuthor;
      readonly replyTo?: string;
    },
    at: Instant,
    cause?: string | null,
  ): void;
  comment(
    comment: { readonly task: string; readonly content: string; readonly by: BoardAuthor },
    at: Instant,
    cause?: string | null,
  ): void;
  /** Puts the task on the board as it is now, and tells what that changes. */
  task(task: TaskFacts, at: Instant, cause?: string | null): void;
}

/** Tells what happens, numbered from 1. */
export function fakeEvents(tasks: Map<string, TaskFacts>): FakeEvents {
  const events: TrackerEvent[] = [];
  const listeners = new Set<() => void>();
  const said = new Map<string, MessageFacts>();

  const tell = (happening: TrackerHappening, at: Instant, cause: string | null): void => {
    const number = events.length + 1;
    events.push({ id: `event-${number}`, cursor: String(number), at, cause, ...happening });
    listeners.forEach((listener) => listener());
  };
  const message: FakeEvents["message"] = ({ id, chat, content, by, replyTo }, at, cause = null) => {
    const answered = replyTo === undefined ? undefined : said.get(replyTo);
    const facts: MessageFacts = {
      id,
      chat,
      author: by,
      content,
      mentions: mentionsIn(content),
      replyTo: answered === undefined ? null : { id: answered.id, author: answered.author },
    };
    said.set(id, facts);
    tell({ type: "chat.message", message: facts }, at, cause);
  };
  const task: FakeEvents["task"] = (now, at, cause = null) => {
    const old = tasks.get(now.id);
    tasks.set(now.id, now);
    tell(changeOf(now, old), at, cause);
  };

  return {
    events,
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    message,
    comment: ({ task: id, content, by }, at, cause = null) =>
      tell({ type: "task.commented", task: id, author: by, content }, at, cause),
    task,
    people: {
      say: ({ chat, content, by = { type: "human", name: "Ann" }, replyTo }, at = Date.now()) => {
        const id = `said-${said.size + 1}`;
        const answers = replyTo === undefined ? {} : { replyTo };
        message({ id, chat, content, by, ...answers }, at);
        return id;
      },
      task: (given, at = Date.now()) => {
        const fresh = { title: given.id, description: "", status: "todo", labels: [] };
        const old = tasks.get(given.id) ?? { ...fresh, id: given.id, assignedTo: null };
        task({ ...old, ...given }, at);
      },
    },
  };
}

function changeOf(task: TaskFacts, old: TaskFacts | undefined): TrackerHappening {
  const previous = old?.assignedTo ?? null;
  if (task.status === "cancelled" && old?.status !== "cancelled") {
    return { type: "task.cancelled", task };
  }
  if (task.assignedTo !== previous) {
    return previous === null
      ? { type: "task.assigned", task }
      : { type: "task.reassigned", task, previous };
  }
  return { type: old === undefined ? "task.created" : "task.updated", task };
}

function mentionsIn(content: string): readonly string[] {
  const found = content.matchAll(/(?<![\p{L}\p{N}_.-])@([\p{L}\p{N}][\p{L}\p{N}_-]{0,39})/gu);
  return [...new Set([...found].map(([, name = ""]) => name))];
}
