import type { Scope } from "../events/session-events.ts";
import { isPersonal, type AgentOperation } from "../ports/agent-operation.ts";
import type { TrackerOperation } from "../ports/tracker.ts";

/** What an operation touches: operations on one target are done in order. */
export function targetOf(operation: AgentOperation): string {
  if (isPersonal(operation)) return "person";
  if ("chat" in operation) return `chat:${operation.chat}`;
  if ("task" in operation) return `task:${operation.task}`;
  return "board";
}

/** Whether the session may touch it: the chats and tasks that it was opened for, and people always. */
export function isInScope(scope: Scope, operation: AgentOperation): boolean {
  if (isPersonal(operation)) return true;
  if ("chat" in operation) return scope.chats === "any" || scope.chats.includes(operation.chat);
  if ("task" in operation) return scope.tasks === "any" || scope.tasks.includes(operation.task);
  return scope.tasks === "any";
}

/** One line for a person or a model. */
export function summaryOf(operation: AgentOperation): string {
  if (operation.type === "person.ask") return `a question (${shorten(operation.question)})`;
  if (operation.type === "person.permit") return `leave to use ${operation.tool}`;
  const said = "content" in operation ? operation.content : "title" in operation && operation.title;
  const text = said ? ` (${shorten(said)})` : "";
  const status = "status" in operation && operation.status ? ` to ${operation.status}` : "";
  return `${operation.type} on ${targetOf(operation)}${status}${text}`;
}

/** The first words of a text, quoted. */
export function shorten(text: string, length = 80): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return JSON.stringify(line.length > length ? `${line.slice(0, length - 1)}…` : line);
}

/** Whether it only asks: then it may be repeated freely. */
export function isQuestion(operation: TrackerOperation): boolean {
  return (
    operation.type === "chat.read" ||
    operation.type === "task.list" ||
    operation.type === "task.get"
  );
}
