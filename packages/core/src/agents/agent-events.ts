import type { Event } from "../events/event.ts";
import type { AgentSlug, SessionId } from "../ids.ts";

/** The stream of what concerns all sessions of an agent. No session can have this name. */
export function agentStream(slug: AgentSlug): string {
  return `$agent.${slug}`;
}

/** What the sessions of the agent may cost together, from now on; null for no cap. */
export type AgentBudgetSet = Event<
  "AgentBudgetSet",
  {
    readonly capUsd: number | null;
    /** Whether the orchestrator's options said so, or somebody by the API. */
    readonly by: "options" | "api";
  }
>;

/** What a session of the agent has cost so far: the newest figure counts. */
export type AgentSpent = Event<
  "AgentSpent",
  { readonly sessionId: SessionId; readonly costUsd: number }
>;

/** Every event of an agent's stream. */
export type AgentEvent = AgentBudgetSet | AgentSpent;

/** The present schema of each. */
export const agentSchemas: Readonly<Record<AgentEvent["type"], number>> = {
  AgentBudgetSet: 1,
  AgentSpent: 1,
};
