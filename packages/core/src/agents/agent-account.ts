import type { SessionId } from "../ids.ts";
import type { SessionCommand } from "../session/command.ts";
import type { Session } from "../session/state.ts";
import type { AgentEvent } from "./agent-events.ts";

/** What an agent may cost and has cost, as its stream tells it. */
export interface AgentAccount {
  /** The version of the stream. */
  readonly version: number;
  /** US dollars; null for no cap. */
  readonly capUsd: number | null;
  /** What the options said last; undefined where they never said anything. */
  readonly optionUsd: number | null | undefined;
  /** US dollars, over all sessions. */
  readonly spentUsd: number;
  readonly spentBy: ReadonlyMap<SessionId, number>;
}

/** The account before the first event. */
export function newAccount(): AgentAccount {
  return { version: 0, capUsd: null, optionUsd: undefined, spentUsd: 0, spentBy: new Map() };
}

/** The account after the event. An event of before changes nothing. */
export function evolveAccount(
  account: AgentAccount,
  event: AgentEvent,
  version: number,
): AgentAccount {
  if (version <= account.version) return account;
  switch (event.type) {
    case "AgentBudgetSet": {
      const { capUsd, by } = event.data;
      const optionUsd = by === "options" ? capUsd : account.optionUsd;
      return { ...account, version, capUsd, optionUsd };
    }
    case "AgentSpent":
      return { ...spent(account, event.data.sessionId, event.data.costUsd), version };
    default:
      event satisfies never;
      return { ...account, version };
  }
}

/** The session's newest figure counts. It may be lower: a gateway's takes the place of a claim. */
export function spent(account: AgentAccount, id: SessionId, costUsd: number): AgentAccount {
  const before = account.spentBy.get(id) ?? 0;
  if (costUsd === before) return account;
  // One account has one map, which nobody else holds: a copy for each turn would be quadratic.
  (account.spentBy as Map<SessionId, number>).set(id, costUsd);
  return { ...account, spentUsd: account.spentUsd + costUsd - before };
}

/** Whether the agent has cost what it may. */
export function isOverdrawn({ capUsd, spentUsd }: AgentAccount): boolean {
  return capUsd !== null && spentUsd >= capUsd;
}

/** What the session has to be told because of the account; null for nothing. Pure. */
export function orderFor(account: AgentAccount, session: Session): SessionCommand | null {
  const { budget, life, messages, run } = session;
  const { capUsd, spentUsd } = account;
  const isHeld = budget.agent !== null;
  if (!isOverdrawn(account)) return isHeld ? { type: "ReleaseForAgent", capUsd } : null;
  const isOpen = life.type === "open" || life.type === "closing";
  const hasWork = messages.size > 0 || run !== null;
  if (capUsd === null || isHeld || !isOpen || !hasWork) return null;
  return { type: "HoldForAgent", spentUsd, capUsd };
}
