import type { MessageDiscarded } from "../events/message-events.ts";
import type {
  ApprovalDenied,
  OperationAttempted,
  OperationInDoubt,
} from "../events/operation-events.ts";
import type { BudgetExceeded, SessionClosed } from "../events/session-events.ts";
import type { Decision } from "./decision.ts";
import { requestStop } from "./rules/run-rules.ts";
import { abandon, givenUpAt } from "./rules/give-up.ts";
import type { Operation, Session } from "./state.ts";
import { isOverBudget } from "./status.ts";
import { isQuestion } from "./target.ts";

/** Adds what follows by itself, in the same append as what it follows from. */
export function settle(decision: Decision): void {
  watchBudget(decision);
  attemptHeads(decision);
  goOnClosing(decision);
}

/** Judged between turns: what is being answered is not cut off here, but by the gateway. */
function watchBudget(decision: Decision): void {
  const { budget, totals, run } = decision.state;
  const { capUsd, exceeded } = budget;
  if (capUsd === null || exceeded || (run !== null && run.turn !== null) || totals.costUsd < capUsd)
    return;
  decision.emit<BudgetExceeded>("BudgetExceeded", { spentUsd: totals.costUsd, capUsd });
}

/** The first operation of each target is tried when its time has come, in this owner's epoch. */
function attemptHeads(decision: Decision): void {
  if (decision.state.owner === null) return;
  for (const target of decision.state.outbox.keys()) attemptHead(decision, target);
}

function attemptHead(decision: Decision, target: string): void {
  for (;;) {
    const { outbox, owner, policy } = decision.state;
    const head = outbox.get(target)?.[0];
    if (head === undefined || owner === null) return;
    switch (head.at.type) {
      case "waiting":
        if (head.at.dueAt > decision.now) return;
        if (givenUpAt(head, policy) <= decision.now) {
          abandon(decision, head);
          continue;
        }
        return attempt(decision, head, owner.epoch);
      case "attempted": {
        if (head.at.epoch === owner.epoch) return;
        // Its caller is gone. Nobody knows whether the call arrived.
        const repeatable = owner.trackerKeys || isQuestion(head.operation);
        return repeatable ? attempt(decision, head, owner.epoch) : doubt(decision, head);
      }
      case "in_doubt":
        return;
      default:
        head.at satisfies never;
    }
  }
}

function attempt(decision: Decision, operation: Operation, epoch: number): void {
  decision.emit<OperationAttempted>("OperationAttempted", {
    operationId: operation.id,
    attempt: operation.attempts + 1,
    epoch,
  });
}

function doubt(decision: Decision, operation: Operation): void {
  decision.emit<OperationInDoubt>("OperationInDoubt", {
    operationId: operation.id,
    attempt: operation.attempts + 1,
    dueAt: decision.now,
    failure: { class: "unknown", code: "CALLER_DIED", message: "The caller died in mid-call." },
  });
}

/** A closing session ends its run when nothing is left to answer, and ends when nothing is left. */
function goOnClosing(decision: Decision): void {
  const { life, run, messages, approvals } = decision.state;
  if (life.type !== "closing") return;
  const atOnce = life.outcome === "stopped" || life.expired;
  if (atOnce) denyAll(decision, approvals.keys());
  if (run !== null) {
    if (run.phase.type === "over") return;
    if (atOnce && run.stop?.mode !== "kill") {
      requestStop(decision, life.expired ? "close_expired" : "asked", "kill");
    } else if (!atOnce && messages.size === 0 && run.turn === null && run.stop === null) {
      requestStop(decision, "closing", "drain");
    }
    return;
  }
  if (atOnce || waitsForSomebody(decision.state)) {
    const reason = life.outcome === "stopped" ? "stopped" : "close_expired";
    for (const messageId of messages.keys()) {
      decision.emit<MessageDiscarded>("MessageDiscarded", { messageId, reason });
    }
  }
  if (isSettled(decision)) {
    decision.emit<SessionClosed>("SessionClosed", { outcome: life.outcome });
  }
}

/** Nothing goes on before a person does something; a park that ends by itself is waited for. */
function waitsForSomebody(session: Session): boolean {
  const { parked } = session;
  return isOverBudget(session) || (parked !== null && parked.until === null);
}

function denyAll(decision: Decision, operationIds: Iterable<string>): void {
  for (const operationId of operationIds) {
    const reason = "The session ended before anybody allowed it.";
    decision.emit<ApprovalDenied>("ApprovalDenied", { operationId, by: "close", reason });
  }
}

function isSettled({ state }: Decision): boolean {
  const { messages, outbox, approvals, remains } = state;
  return messages.size + outbox.size + approvals.size + remains.size === 0;
}
