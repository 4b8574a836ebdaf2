import { z } from "zod";
import { agentTool, type AgentTool } from "./agent-tool.ts";

/** Every tool that an agent has for its team board. */
export const trackerTools: readonly AgentTool[] = [
  agentTool(
    "chat_send",
    "Post a message to a chat of the team board. This is how people see what you do: say what you begin, what you found and what you finished. Returns once the board has the message, with its id.",
    { chat: id("chat"), content: content("The message, as Markdown.") },
    ({ chat, content: text }) => ({ type: "chat.send", chat, content: text }),
  ),
  agentTool(
    "chat_read",
    "Read the messages of a chat of the team board, oldest first. Use `after` with the last message id that you know to get only what is new.",
    {
      chat: id("chat"),
      after: id("message").optional().describe("Only messages after the one with this id."),
      limit: z
        .int()
        .min(1)
        .max(200)
        .optional()
        .describe("At most this many. Default: the board's own."),
    },
    ({ chat, ...rest }) => ({ type: "chat.read", chat, ...given(rest) }),
    { readOnly: true },
  ),
  agentTool(
    "task_list",
    "List tasks of the team board, all or by state and by who has them. Returns id, title, state and assignee of each.",
    {
      status: status().optional().describe("Only tasks in this state."),
      assigned_to: slug().optional().describe("Only tasks of this agent (its slug)."),
      label: label().optional().describe("Only tasks with this label."),
    },
    ({ assigned_to, ...rest }) => ({
      type: "task.list",
      ...given({ ...rest, assignedTo: assigned_to }),
    }),
    { readOnly: true },
  ),
  agentTool(
    "task_get",
    "Read one task of the team board with its description and comments. Do this before you work on it.",
    { task: id("task") },
    ({ task }) => ({ type: "task.get", task }),
    { readOnly: true },
  ),
  agentTool(
    "task_take",
    "Take a task: it is assigned to you and goes to in_progress. Do this once, before you begin to work on it.",
    { task: id("task") },
    ({ task }) => ({ type: "task.take", task }),
  ),
  agentTool(
    "task_comment",
    "Add a comment to a task: findings, decisions and results that belong to the task rather than to the chat.",
    { task: id("task"), content: content("The comment, as Markdown.") },
    ({ task, content: text }) => ({ type: "task.comment", task, content: text }),
  ),
  agentTool(
    "task_status",
    "Move a task to another state, for example todo, in_progress, review or blocked. Use task_complete when the work is done.",
    { task: id("task"), status: status().describe("The new state.") },
    ({ task, status: state }) => ({ type: "task.status", task, status: state }),
  ),
  agentTool(
    "task_complete",
    "Mark a task as done. Only when everything that it asks for is finished; say what you did in a comment first.",
    { task: id("task") },
    ({ task }) => ({ type: "task.complete", task }),
  ),
  agentTool(
    "task_create",
    "Put a new task on the board, for yourself or for others: work that you found and that is not part of your own task. Look with task_list first whether it is there already. Returns the new task's id.",
    {
      title: title().describe("One line that says what is to be done."),
      description: content("What is to be done and why, as Markdown.").optional(),
      status: status()
        .optional()
        .describe("The state that it begins in. Default: the board's own."),
      assigned_to: slug().optional().describe("Who is to do it (a slug). Default: nobody yet."),
      labels: labels().optional(),
    },
    ({ title: name, assigned_to, ...rest }) => ({
      type: "task.create",
      title: name,
      ...given({ ...rest, assignedTo: assigned_to }),
    }),
  ),
  agentTool(
    "task_update",
    "Change a task's title, description, assignee or labels. Only what you give is changed. Use task_status or task_complete for its state.",
    {
      task: id("task"),
      title: title().optional(),
      description: content("The whole new description, as Markdown.").optional(),
      assigned_to: slug()
        .nullable()
        .optional()
        .describe("Who is to do it now (a slug); null takes it away from whoever has it."),
      add_labels: labels().optional(),
      remove_labels: labels().optional(),
    },
    ({ task, assigned_to, add_labels, remove_labels, ...rest }) => ({
      type: "task.update",
      task,
      ...given({
        ...rest,
        assignedTo: assigned_to,
        addLabels: add_labels,
        removeLabels: remove_labels,
      }),
    }),
  ),
];

type Given<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** The fields that the model gave: what it left out is no field at all. */
function given<Fields extends object>(fields: Fields): Given<Fields> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Given<Fields>;
}

function id(what: string): z.ZodString {
  return z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, `A ${what} id has 1 to 64 letters, digits, "_" and "-".`)
    .describe(`The ${what}'s id, as the board gives it.`);
}

function content(description: string): z.ZodString {
  return z.string().min(1).max(100_000).describe(description);
}

function status(): z.ZodString {
  return z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, "A state is a word like in_progress.");
}

function title(): z.ZodString {
  return z.string().min(1).max(500);
}

function slug(): z.ZodString {
  return z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'A slug has 1 to 64 letters, digits, "_" and "-".');
}

function label(): z.ZodString {
  return z.string().min(1).max(100);
}

function labels(): z.ZodArray<z.ZodString> {
  return z.array(label()).max(50).describe("Labels of the task.");
}
