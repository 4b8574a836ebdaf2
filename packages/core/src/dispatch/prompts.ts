import type { AgentSlug } from "../ids.ts";
import type { MessageFacts, TaskFacts } from "../ports/tracker-event.ts";
import { fillTemplate } from "./template.ts";

/** The variables of a task's prompt. */
export const taskVariables: readonly string[] = [
  "task.id",
  "task.title",
  "task.description",
  "task.status",
  "task.labels",
  "agent.slug",
  "agent.name",
];

/** The variables of a message's prompt. */
export const chatVariables: readonly string[] = [
  "message.id",
  "message.chat",
  "message.author",
  "message.content",
  "agent.slug",
  "agent.name",
];

const usualTaskPrompt = `Task {{task.id}} is yours now: {{task.title}}

{{task.description}}`;

const usualChatPrompt = `{{message.author}} in the chat {{message.chat}}:

{{message.content}}`;

/** An agent as a prompt names it. */
interface Named {
  readonly slug: AgentSlug;
  readonly name: string;
}

/** What an agent is told of a task. Throws `TEMPLATE_INVALID`. */
export function taskPrompt(
  task: TaskFacts,
  agent: Named,
  template: string = usualTaskPrompt,
): string {
  return fillTemplate(template, {
    "task.id": task.id,
    "task.title": task.title,
    "task.description": task.description,
    "task.status": task.status,
    "task.labels": task.labels.join(", "),
    "agent.slug": agent.slug,
    "agent.name": agent.name,
  }).trim();
}

/** What an agent is told of a message. Throws `TEMPLATE_INVALID`. */
export function chatPrompt(
  message: MessageFacts,
  agent: Named,
  template: string = usualChatPrompt,
): string {
  return fillTemplate(template, {
    "message.id": message.id,
    "message.chat": message.chat,
    "message.author": message.author.name ?? "Somebody",
    "message.content": message.content,
    "agent.slug": agent.slug,
    "agent.name": agent.name,
  }).trim();
}
