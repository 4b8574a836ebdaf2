import { WaybillError, type Failure } from "../errors.ts";
import type { MessageId, SessionId } from "../ids.ts";
import type { TurnError, TurnOutcome, Usage } from "../ports/agent-word.ts";
import type { Session } from "../session/state.ts";
import type { SessionRecord } from "./session-record.ts";

/** What a turn came to. */
export interface TurnResult {
  readonly outcome: TurnOutcome;
  readonly text: string;
  readonly usage: Usage | null;
  /** US dollars of the conversation so far. */
  readonly costUsd: number | null;
  readonly error: TurnError | null;
  readonly messageId: MessageId;
}

/** What the event says about the message; null where nothing. Throws where no answer will come. */
export function answerIn(
  event: SessionRecord,
  id: SessionId,
  messageId: MessageId,
): TurnResult | null {
  switch (event.type) {
    case "TurnEnded": {
      const { outcome, text, usage, costUsd, error, messageIds } = event.data;
      if (!messageIds.includes(messageId)) return null;
      return { outcome, text, usage, costUsd, error, messageId };
    }
    case "MessageDiscarded":
      if (event.data.messageId !== messageId) return null;
      throw new WaybillError(
        "MESSAGE_DISCARDED",
        `Session ${id} ended before message ${messageId} was answered (${event.data.reason}).`,
      );
    default:
      return null;
  }
}

/** Throws where the event says that nothing will happen until somebody does something. */
export function assertNotHeld(event: SessionRecord, id: SessionId, messageId: MessageId): void {
  // A park that ends by itself is waited for.
  if (event.type === "SessionParked" && event.data.until === null)
    throw parkedError(id, messageId, event.data.failure);
  if (event.type === "AgentBudgetExceeded")
    throw agentBudgetError(id, messageId, event.data.spentUsd);
  if (event.type === "BudgetExceeded") throw budgetError(id, messageId, event.data.spentUsd);
}

/** The same for a session that is held already. */
export function assertGoesOn(state: Session, messageId: MessageId): void {
  if (state.parked !== null && state.parked.until === null)
    throw parkedError(state.id, messageId, state.parked.failure);
  if (state.budget.agent !== null)
    throw agentBudgetError(state.id, messageId, state.budget.agent.spentUsd);
  if (state.budget.exceeded) throw budgetError(state.id, messageId, state.totals.costUsd);
}

function parkedError(id: SessionId, messageId: MessageId, failure: Failure): WaybillError {
  return new WaybillError(
    failure.code,
    `${failure.message} The message is kept: mend the cause and call unpark() on session ${id}.`,
    { details: { sessionId: id, messageId } },
  );
}

function budgetError(id: SessionId, messageId: MessageId, spentUsd: number): WaybillError {
  return new WaybillError(
    "BUDGET_EXCEEDED",
    `Session ${id} has cost $${spentUsd}, which is its budget. The message is kept: raiseBudget() lets it go on.`,
    { details: { sessionId: id, messageId, spentUsd } },
  );
}

function agentBudgetError(id: SessionId, messageId: MessageId, spentUsd: number): WaybillError {
  return new WaybillError(
    "AGENT_BUDGET_EXCEEDED",
    `The sessions of this agent have cost $${spentUsd}, which is its budget. The message of session ${id} is kept: agent(slug).raiseBudget() lets all of them go on.`,
    { details: { sessionId: id, messageId, spentUsd } },
  );
}
