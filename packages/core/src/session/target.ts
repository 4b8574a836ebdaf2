import type { Scope } from "../events/session-events.ts";
import type { TrackerOperation } from "../ports/tracker.ts";

/** What an operation touches: operations on one target are done in order. */
export function targetOf(operation: TrackerOperation): string {
  if ("chat" in operation) return `chat:${operation.chat}`;
  if ("task" in operation) return `task:${operation.task}`;
  return "board";
}

/** Whether the session may touch it: the chats and tasks that it was opened for. */
export function isInScope(scope: Scope, operation: TrackerOperation): boolean {
  if ("chat" in operation) return scope.chats === "any" || scope.chats.includes(operation.chat);
  if ("task" in operation) return scope.tasks === "any" || scope.tasks.includes(operation.task);
  return scope.tasks === "any";
}

/** One line for a person or a model. */
export function summaryOf(operation: TrackerOperation): string {
  const text = "content" in operation ? ` (${shorten(operation.content)})` : "";
  const status = "status" in operation && operation.status ? ` to ${operation.status}` : "";
  return `${operation.type} on ${targetOf(operation)}${status}${text}`;
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return JSON.stringify(line.length > 80 ? `${line.slice(0, 79)}…` : line);
}

/** Whether it only asks: then it may be repeated freely. */
export function isQuestion(operation: TrackerOperation): boolean {
  return (
    operation.type === "chat.read" ||
    operation.type === "task.list" ||
    operation.type === "task.get"
  );
}
