import type { Scope } from "../events/session-events.ts";
import type { AgentSlug, Instant, SessionId } from "../ids.ts";
import type { MessageFacts, TaskFacts, TrackerEvent } from "../ports/tracker-event.ts";
import type {
  DispatchCommand,
  DispatchReason,
  TaskBinding,
  TrackerEventSeen,
} from "./dispatch-events.ts";
import type { DispatchState } from "./dispatch-state.ts";
import { chatPrompt, taskPrompt } from "./prompts.ts";
import { agentNamed, type WholeRules } from "./rules.ts";
import { dispatchedSession } from "./session-id.ts";

/** An event of the board, and what is known of it beside. */
export interface DispatchInput {
  readonly event: TrackerEvent;
  readonly now: Instant;
  /** The session of ours that did it; null for anybody else. */
  readonly actor: { readonly session: SessionId; readonly agent: AgentSlug } | null;
}

type Decision = TrackerEventSeen["data"];

/**
 * What is done about an event of the board. Pure: the same event, rules and state give the same
 * decision, and it is recorded whole before anything is done.
 */
export function dispatch(input: DispatchInput, rules: WholeRules, state: DispatchState): Decision {
  const { event } = input;
  const isOld = event.at !== null && state.ignoreBefore !== null && event.at < state.ignoreBefore;
  if (isOld) return nothing(event, "too_old", "It happened before dispatch began.");
  switch (event.type) {
    case "task.assigned":
      return afterAssignment(input, event.task, rules, state);
    case "task.reassigned":
      return afterReassignment(input, event.task, rules, state);
    case "task.cancelled":
      return afterCancel(event, event.task, state);
    case "chat.message":
      return afterMessage(input, event.message, rules, state);
    case "task.created":
    case "task.updated":
    case "task.commented":
    case "other":
      return nothing(event, "not_ours", `Nothing is done about ${event.type}.`);
  }
}

function afterAssignment(
  { event, now, actor }: DispatchInput,
  task: TaskFacts,
  rules: WholeRules,
  state: DispatchState,
): Decision {
  const agent = agentNamed(rules, task.assignedTo);
  if (agent === null) return nothing(event, "not_ours", "It is given to nobody of ours.");
  if (actor?.agent === agent) {
    // Whoever takes a task works on it already; a cancel must find that session.
    const bind = { task: task.id, session: actor.session, agent };
    return { ...nothing(event, "own_doing", "The agent took it itself.", agent), bind };
  }
  const where = `task:${task.id}`;
  const before = actor === null ? 0 : turnsSoFar(where, actor, state);
  if (before >= rules.agentTurns && actor !== null) {
    const detail = `Agents gave each other work ${before} times since a person did.`;
    return nothing(event, "loop", detail, agent);
  }
  const verdict = verdictOn(task, agent, rules);
  if (!verdict.yes) return nothing(event, verdict.because, verdict.reason, agent);
  const at = nextPrompt(agent, now, rules, state);
  if (at === null) return nothing(event, "rate_limited", "The agent has its share.", agent);
  const rule = rules.agents[agent];
  const session = dispatchedSession("task", task.id, agent, rules.tenant);
  const text = taskPrompt(task, { slug: agent, name: rule?.name ?? agent }, rule?.taskPrompt);
  const scope = scopeWith(rules, agent, { tasks: [task.id] });
  const depth = actor === null ? 0 : before + 1;
  return {
    ...nothing(event, "assigned", "The task is the agent's.", agent),
    commands: [{ type: "prompt", agent, session, scope, text, from: null, at, depth }],
    bind: { task: task.id, session, agent },
    turns: turnsAfter(where, depth, state),
  };
}

/** A rule that throws is its author's mistake, and must not keep every later event from being dealt with. */
function verdictOn(
  task: TaskFacts,
  agent: AgentSlug,
  rules: WholeRules,
): { yes: true } | { yes: false; because: DispatchReason; reason: string } {
  try {
    const verdict = rules.dispatchable(task, agent);
    return verdict.yes ? verdict : { ...verdict, because: "not_dispatchable" };
  } catch (error) {
    return { yes: false, because: "rule_failed", reason: String(error).slice(0, 300) };
  }
}

/** New tasks and other chats are no way out: what an agent was woken for counts on from there. */
function turnsSoFar(where: string, actor: DispatchInput["actor"], state: DispatchState): number {
  const own = actor === null ? 0 : (state.depths.get(actor.session) ?? 0);
  return Math.max(state.turns.get(where) ?? 0, own);
}

function turnsAfter(where: string, count: number, state: DispatchState): Decision["turns"] {
  return count === (state.turns.get(where) ?? 0) ? null : { where, count };
}

function afterReassignment(
  input: DispatchInput,
  task: TaskFacts,
  rules: WholeRules,
  state: DispatchState,
): Decision {
  const { actor } = input;
  const bound = state.tasks.get(task.id);
  const given = afterAssignment(input, task, rules, state);
  if (bound === undefined || bound.agent === agentNamed(rules, task.assignedTo)) return given;
  // An agent that hands its own task on may finish what it is saying.
  const how = actor?.session === bound.session ? "close" : "stop";
  const detail = "The task is somebody else's now.";
  const taken = { agent: bound.agent, reason: "taken_away" as const, detail };
  return {
    ...given,
    commands: [{ type: "end", session: bound.session, how }, ...given.commands],
    reasons: [taken, ...given.reasons],
    bind: given.bind ?? { task: task.id, session: null, agent: bound.agent },
  };
}

function afterCancel(event: TrackerEvent, task: TaskFacts, state: DispatchState): Decision {
  const bound = state.tasks.get(task.id);
  if (bound === undefined) return nothing(event, "not_ours", "Nobody of ours works on it.");
  const { session, agent } = bound;
  return {
    ...nothing(event, "cancelled", "The task was cancelled.", agent),
    commands: [{ type: "end", session, how: "stop" }],
    bind: { task: task.id, session: null, agent },
  };
}

function afterMessage(
  input: DispatchInput,
  message: MessageFacts,
  rules: WholeRules,
  state: DispatchState,
): Decision {
  const { event, now, actor } = input;
  const author = actor?.agent ?? authorOf(message, rules);
  const byAgent = author !== null || message.author.type === "agent";
  const called = calledUpon(message, rules);
  const where = `chat:${message.chat}`;
  const before = byAgent ? turnsSoFar(where, actor, state) : 0;
  const depth = byAgent ? before + 1 : 0;
  const commands: DispatchCommand[] = [];
  const reasons: Decision["reasons"][number][] = [];
  const say = (agent: AgentSlug, reason: DispatchReason, detail: string): void => {
    reasons.push({ agent, reason, detail });
  };
  for (const agent of called) {
    const at = nextPrompt(agent, now, rules, state);
    if (agent === author) say(agent, "own_doing", "The agent said it itself.");
    else if (byAgent && before >= rules.agentTurns) {
      say(agent, "loop", `Agents woke each other ${before} times since a person spoke.`);
    } else if (at === null) say(agent, "rate_limited", "The agent has its share of prompts.");
    else {
      commands.push({ ...promptOf(message, agent, rules, state), at, depth });
      say(agent, "called", "The agent is called upon, or answered.");
    }
  }
  const count = commands.length > 0 ? depth : byAgent ? (state.turns.get(where) ?? 0) : 0;
  return {
    ...nothing(event, "not_ours", "Nobody of ours is called upon."),
    commands,
    ...(reasons.length === 0 ? {} : { reasons }),
    turns: turnsAfter(where, count, state),
  };
}

function promptOf(
  message: MessageFacts,
  agent: AgentSlug,
  rules: WholeRules,
  state: DispatchState,
): Omit<Extract<DispatchCommand, { readonly type: "prompt" }>, "at" | "depth"> {
  const rule = rules.agents[agent];
  const text = chatPrompt(message, { slug: agent, name: rule?.name ?? agent }, rule?.chatPrompt);
  const from = message.author.name;
  const working = openTask(message.chat, agent, rules, state);
  const session = working?.session ?? dispatchedSession("chat", message.chat, agent, rules.tenant);
  const own = working === null ? { chats: [message.chat] } : { tasks: [working.task] };
  return { type: "prompt", agent, session, scope: scopeWith(rules, agent, own), text, from };
}

/** The session of the agent's newest task, where it may speak in this chat: it knows more. */
function openTask(
  chat: string,
  agent: AgentSlug,
  rules: WholeRules,
  state: DispatchState,
): (TaskBinding & { readonly session: SessionId }) | null {
  const { chats = [] } = rules.agents[agent]?.scope ?? {};
  if (chats !== "any" && !chats.includes(chat)) return null;
  return [...state.tasks.values()].findLast((bound) => bound.agent === agent) ?? null;
}

/** Who is called upon by name, or was answered; each once. */
function calledUpon(message: MessageFacts, rules: WholeRules): readonly AgentSlug[] {
  const answered = message.replyTo?.author;
  const names = [...message.mentions, ...(answered?.type === "human" ? [] : [answered?.name])];
  const agents = names.map((name) => agentNamed(rules, name ?? null));
  return [...new Set(agents)].filter((agent) => agent !== null);
}

/** A person may have an agent's name; whoever the board calls human is none of ours. */
function authorOf({ author }: MessageFacts, rules: WholeRules): AgentSlug | null {
  return author.type === "human" ? null : agentNamed(rules, author.name);
}

/** When the agent may have its next prompt; null where that is too far away. */
function nextPrompt(
  agent: AgentSlug,
  now: Instant,
  { rate, longestWaitMs }: WholeRules,
  state: DispatchState,
): Instant | null {
  const times = state.prompts.get(agent) ?? [];
  const oldest = times.at(-rate.prompts);
  const at = oldest === undefined ? now : Math.max(now, oldest + rate.perMs);
  return at - now > longestWaitMs ? null : at;
}

function scopeWith(rules: WholeRules, agent: AgentSlug, own: Partial<Scope>): Scope {
  const { chats = [], tasks = [] } = rules.agents[agent]?.scope ?? {};
  return { chats: joined(chats, own.chats ?? []), tasks: joined(tasks, own.tasks ?? []) };
}

function joined(one: Scope["chats"], other: Scope["chats"]): Scope["chats"] {
  return one === "any" || other === "any" ? "any" : [...new Set([...one, ...other])];
}

function nothing(
  event: TrackerEvent,
  reason: DispatchReason,
  detail: string,
  agent: AgentSlug | null = null,
): Decision {
  return {
    event: event.id,
    cursor: event.cursor,
    kind: event.type,
    target: targetOf(event),
    commands: [],
    reasons: [{ agent, reason, detail }],
    bind: null,
    turns: null,
  };
}

function targetOf(event: TrackerEvent): string | null {
  if (event.type === "chat.message") return event.message.chat;
  if (event.type === "other") return null;
  return typeof event.task === "string" ? event.task : event.task.id;
}
