import { WaybillError } from "../../errors.ts";
import type { Instant } from "../../ids.ts";
import type { JsonObject } from "../../json.ts";
import type { Receipt, TrackerCall, TrackerOperation } from "../../ports/tracker.ts";
import type { TaskFacts, TrackerEvent } from "../../ports/tracker-event.ts";
import { changedTask, newTask } from "./change-task.ts";
import { fakeEvents } from "./events.ts";
import type { FakeHappenings } from "./events.ts";

/** A message or a comment on the fake board. */
export interface FakeEntry {
  readonly id: string;
  /** The chat or the task. */
  readonly target: string;
  readonly sender: string;
  readonly content: string;
  readonly key: string;
  readonly at: Instant;
}

/** A change of a task on the fake board. */
export interface FakeChange {
  readonly id: string;
  readonly target: string;
  readonly status: string;
  readonly assignedTo: string | null;
  readonly key: string;
  readonly at: Instant;
}

/** A task on the fake board. */
export type FakeTask = TaskFacts;

/** What was really done, in order; it outlives the Tracker that was made for it. */
export interface FakeBoard {
  readonly chats: readonly string[];
  readonly tasks: ReadonlyMap<string, FakeTask>;
  readonly messages: readonly FakeEntry[];
  readonly comments: readonly FakeEntry[];
  readonly changes: readonly FakeChange[];
  /** Repeats that were answered from memory. */
  readonly absorbed: number;
  /** Everything that was told so far, in order. */
  readonly events: readonly TrackerEvent[];
  /** What people do on the board. */
  readonly people: FakeHappenings;
  /** Calls the listener after each event. The returned function ends it. */
  onEvent(listener: () => void): () => void;
  /** Does it, or answers from memory what was done under the key. */
  carryOut(call: TrackerCall, now: Instant, keys: boolean, keptMs: number | null): Receipt;
  /** What was done under the key, whether keys count or not. */
  find(call: TrackerCall): Receipt | null;
}

/** A new board. */
export function fakeBoard(chats: readonly string[], taskIds: readonly string[]): FakeBoard {
  const tasks = new Map<string, FakeTask>(taskIds.map((id) => [id, newTask({ id, title: id })]));
  const told = fakeEvents(tasks);
  const messages: FakeEntry[] = [];
  const comments: FakeEntry[] = [];
  const changes: FakeChange[] = [];
  const done = new Map<
    string,
    { readonly digest: string; readonly receipt: Receipt; readonly at: Instant }
  >();
  let made = 0;
  let absorbed = 0;

  const write = (call: TrackerCall, at: Instant): Receipt => {
    const { operation, by, key } = call;
    made += 1;
    const id = `${operation.type.slice(0, 4)}-${made}`;
    const agent = { type: "agent", name: by.name };
    switch (operation.type) {
      case "chat.send":
        messages.push({
          id,
          target: operation.chat,
          sender: by.name,
          content: operation.content,
          key,
          at,
        });
        told.message({ id, chat: operation.chat, content: operation.content, by: agent }, at, key);
        return { id, at, repeated: false, data: null };
      case "task.comment":
        comments.push({
          id,
          target: operation.task,
          sender: by.name,
          content: operation.content,
          key,
          at,
        });
        told.comment({ task: operation.task, content: operation.content, by: agent }, at, key);
        return { id, at, repeated: false, data: null };
      case "task.create":
        told.task(newTask({ id, ...operation }), at, key);
        return { id, at, repeated: false, data: null };
      case "task.take":
      case "task.status":
      case "task.complete":
      case "task.update": {
        const task = changedTask(tasks.get(operation.task), operation, by.slug);
        const { status, assignedTo } = task;
        told.task(task, at, key);
        changes.push({ id, target: operation.task, status, assignedTo, key, at });
        return { id: operation.task, at, repeated: false, data: null };
      }
      default:
        throw new TypeError(`${operation.type} writes nothing.`);
    }
  };

  const answer = (operation: TrackerOperation): Receipt["data"] => {
    switch (operation.type) {
      case "chat.read": {
        const all = messages.filter(({ target }) => target === operation.chat);
        const start = all.findIndex(({ id }) => id === operation.after) + 1;
        const limit = operation.limit ?? 50;
        const page =
          operation.after === undefined ? all.slice(-limit) : all.slice(start, start + limit);
        return {
          messages: page.map(({ id, sender, content, at }) => ({
            id,
            senderType: "agent",
            sender,
            content,
            at,
          })),
        };
      }
      case "task.list":
        return {
          tasks: [...tasks.values()]
            .filter(({ status }) => operation.status === undefined || operation.status === status)
            .filter(
              ({ assignedTo: who }) =>
                operation.assignedTo === undefined || operation.assignedTo === who,
            )
            .filter(
              ({ labels }) => operation.label === undefined || labels.includes(operation.label),
            )
            .map(asJson),
        };
      case "task.get": {
        const task = tasks.get(operation.task);
        return { task: task === undefined ? null : asJson(task) };
      }
      default:
        throw new TypeError(`${operation.type} asks nothing.`);
    }
  };

  return {
    chats,
    tasks,
    messages,
    comments,
    changes,
    events: told.events,
    people: told.people,
    onEvent: told.onEvent,
    get absorbed() {
      return absorbed;
    },
    carryOut: (call, now, keys, keptMs) => {
      const { operation } = call;
      if (
        ("chat" in operation && !chats.includes(operation.chat)) ||
        ("task" in operation && !tasks.has(operation.task))
      ) {
        throw new WaybillError(
          "TRACKER_NOT_FOUND",
          `The board has no such thing: ${JSON.stringify(operation)}.`,
        );
      }
      if (isQuestion(operation)) {
        return { id: null, at: null, repeated: false, data: answer(operation) };
      }
      const before = keys ? done.get(call.key) : undefined;
      if (before === undefined || (keptMs !== null && now - before.at > keptMs)) {
        const receipt = write(call, now);
        done.set(call.key, { digest: digestOf(call), receipt, at: now });
        return receipt;
      }
      if (before.digest !== digestOf(call)) {
        throw keyReused(call);
      }
      absorbed += 1;
      return { ...before.receipt, repeated: true };
    },
    find: (call) => {
      const found = isQuestion(call.operation) ? undefined : done.get(call.key);
      if (found === undefined) {
        return null;
      }
      if (found.digest !== digestOf(call)) {
        throw keyReused(call);
      }
      return { ...found.receipt, repeated: true };
    },
  };
}

/** Whether the operation only asks. */
export function isQuestion(operation: TrackerOperation): boolean {
  return (
    operation.type === "chat.read" ||
    operation.type === "task.list" ||
    operation.type === "task.get"
  );
}

// The whole request, and who asks: what a key may stand for.
function digestOf(call: TrackerCall): string {
  return JSON.stringify([call.operation, call.by.slug, call.by.name]);
}

function keyReused(call: TrackerCall): WaybillError {
  return new WaybillError("KEY_REUSED", `The key ${call.key} stands for another call.`, {
    details: { key: call.key },
  });
}

function asJson(task: FakeTask): JsonObject {
  return { ...task };
}
