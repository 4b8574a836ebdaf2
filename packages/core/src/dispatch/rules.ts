import type { Scope } from "../events/session-events.ts";
import { WaybillError } from "../errors.ts";
import type { AgentSlug } from "../ids.ts";
import type { TaskFacts } from "../ports/tracker-event.ts";
import type { Policy } from "../session/policy.ts";
import { chatVariables, taskVariables } from "./prompts.ts";
import { checkTemplate } from "./template.ts";

/** Whether a task is one to work on, and if not, why. */
export type Dispatchable =
  | { readonly yes: true }
  | { readonly yes: false; readonly reason: string };

/** How an agent is put to work by what happens on the board. */
export interface DispatchAgent {
  /** As the board shows it, "Кодер": by it and by the slug the agent is called upon. */
  readonly name: string;
  /** What it is told of a task. Default: the task's id, title, labels and description. */
  readonly taskPrompt?: string;
  /** What it is told of a message. Default: the author, the chat and the text. */
  readonly chatPrompt?: string;
  /** What it may touch beside the task or the chat that woke it. Default: nothing. */
  readonly scope?: Partial<Scope>;
  /** Where the sessions that are opened for it differ from its policy. */
  readonly policy?: Partial<Policy>;
  /** Of those sessions. Default: 0. */
  readonly priority?: number;
}

/** What is done about what happens on the board. */
export interface DispatchRules {
  /** The agents that may be woken, by slug. */
  readonly agents: Readonly<Record<AgentSlug, DispatchAgent>>;
  /** Default: every task that is neither done nor cancelled nor labelled `no-dispatch`. */
  readonly dispatchable?: (task: TaskFacts, agent: AgentSlug) => Dispatchable;
  /**
   * Whose board it is, where the orchestrator has one for each tenant: the sessions get it, and each
   * tenant's dispatcher has a stream and a lease of its own. 1 to 64 of `[A-Za-z0-9._-]`. Default: nobody's.
   */
  readonly tenant?: string | null;
  /** How many prompts an agent gets in a while; more of them wait. Default: 30 in an hour. */
  readonly rate?: { readonly prompts: number; readonly perMs: number };
  /** A prompt that would have to wait longer is not made. Default: 1 h. */
  readonly longestWaitMs?: number;
  /** How often agents may wake each other in a chat, or over a task, until a person steps in. Default: 4. */
  readonly agentTurns?: number;
  /** How long a command is tried. Default: 24 h. */
  readonly giveUpMs?: number;
}

/** The rules with everything that was left out. */
export type WholeRules = Required<DispatchRules>;

/** Fills in what was left out. Throws `TEMPLATE_INVALID` and `DISPATCH_RULES_INVALID`. */
export function wholeRules(rules: DispatchRules): WholeRules {
  const { rate = { prompts: 30, perMs: 3_600_000 }, agentTurns = 4 } = rules;
  const { longestWaitMs = 3_600_000, giveUpMs = 86_400_000, tenant = null } = rules;
  if (tenant !== null && !/^[A-Za-z0-9._-]{1,64}$/.test(tenant)) {
    throw new WaybillError(
      "DISPATCH_RULES_INVALID",
      `The rules of dispatch are for the tenant ${JSON.stringify(tenant)}. Give 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-", or leave it out.`,
    );
  }
  if (!(longestWaitMs >= 0) || !(giveUpMs >= 0)) {
    throw new WaybillError(
      "DISPATCH_RULES_INVALID",
      `The rules of dispatch wait ${longestWaitMs} ms at most and give up after ${giveUpMs} ms. Give 0 or more for both.`,
    );
  }
  if (!(rate.prompts >= 1 && rate.prompts <= 1000) || !(rate.perMs >= 1) || !(agentTurns >= 0)) {
    throw new WaybillError(
      "DISPATCH_RULES_INVALID",
      `The rules of dispatch give ${rate.prompts} prompts per ${rate.perMs} ms and ${agentTurns} turns among agents. Give 1 to 1000 prompts per 1 ms or more, and 0 turns or more.`,
    );
  }
  const owners = new Map<string, AgentSlug>();
  for (const [slug, agent] of Object.entries(rules.agents)) {
    if (agent.taskPrompt !== undefined) checkTemplate(agent.taskPrompt, taskVariables);
    if (agent.chatPrompt !== undefined) checkTemplate(agent.chatPrompt, chatVariables);
    for (const name of new Set([slug, agent.name].map(folded))) {
      const other = owners.get(name);
      if (other !== undefined) throw sameName(name, other, slug);
      owners.set(name, slug);
    }
  }
  const { agents, dispatchable = usuallyDispatchable } = rules;
  return { agents, dispatchable, rate, longestWaitMs, agentTurns, giveUpMs, tenant };
}

/** The agent that goes by this name or slug; null for anybody else. */
export function agentNamed(rules: DispatchRules, name: string | null): AgentSlug | null {
  if (name === null) return null;
  const wanted = folded(name);
  const found = Object.entries(rules.agents).find(
    ([slug, agent]) => folded(slug) === wanted || folded(agent.name) === wanted,
  );
  return found?.[0] ?? null;
}

function folded(name: string): string {
  return name.normalize("NFKC").toLowerCase().trim();
}

function sameName(name: string, one: AgentSlug, other: AgentSlug): WaybillError {
  return new WaybillError(
    "DISPATCH_RULES_INVALID",
    `The agents "${one}" and "${other}" both go by "${name}": nobody could say which one is called upon. Give one of them another name.`,
    { details: { name, agents: [one, other] } },
  );
}

function usuallyDispatchable(task: TaskFacts): Dispatchable {
  if (task.status === "done" || task.status === "cancelled") {
    return { yes: false, reason: `it is ${task.status}` };
  }
  return task.labels.includes("no-dispatch")
    ? { yes: false, reason: "it is labelled no-dispatch" }
    : { yes: true };
}
