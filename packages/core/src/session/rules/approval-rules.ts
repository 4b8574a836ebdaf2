import { isPersonal } from "../../ports/agent-operation.ts";
import type {
  ApprovalDenied,
  ApprovalGranted,
  ApprovalWithdrawn,
  OperationRedriven,
  PersonAnswered,
} from "../../events/operation-events.ts";
import type { AnswerQuestion, DecideApproval, RedriveOperation } from "../command.ts";
import type { Decision } from "../decision.ts";
import { findOperation } from "../outbox.ts";
import type { Approval } from "../state.ts";
import { assertNotErased } from "./missing-session.ts";

/** Somebody allows or refuses what the agent asked; what is decided already stays as it is. */
export function decideApproval(decision: Decision, command: DecideApproval): void {
  const { operationId, granted, by, reason } = command;
  const approval = decision.state.approvals.get(operationId);
  if (approval === undefined) return;
  const asked = approval.operation.operation;
  if (!granted) {
    decision.emit<ApprovalDenied>("ApprovalDenied", { operationId, by, reason });
  } else if (approval.unauthorised === true) {
    throw decision.refusal(
      "NOT_AUTHORISED",
      `The host's policy has not said yet whether the session may do ${operationId}. Wait until approvals() lists it, or deny(id).`,
    );
  } else if (asked.type === "person.ask") {
    throw decision.refusal(
      "ANSWER_NEEDED",
      `${operationId} is a question: a yes says nothing to it. Use answer(id, text), or deny(id).`,
    );
  } else if (asked.type === "person.permit") {
    decision.emit<PersonAnswered>("PersonAnswered", { operationId, by, answer: null });
  } else {
    decision.emit<ApprovalGranted>("ApprovalGranted", { operationId, by });
  }
}

/** Somebody answers a question of the agent's; one that is over already stays as it is. */
export function answerQuestion(decision: Decision, command: AnswerQuestion): void {
  const { operationId, text, by } = command;
  const asked = decision.state.approvals.get(operationId)?.operation.operation;
  if (asked === undefined) return;
  if (asked.type !== "person.ask") {
    throw decision.refusal(
      "NOT_A_QUESTION",
      `${operationId} is no question but ${asked.type}, which takes a yes or a no. Use grant(id) or deny(id).`,
    );
  }
  decision.emit<PersonAnswered>("PersonAnswered", { operationId, by, answer: text });
}

/** What was asked of people and nobody waits for any more is taken back. */
export function withdraw(
  decision: Decision,
  reason: ApprovalWithdrawn["data"]["reason"],
  isOver: (approval: Approval) => boolean,
): void {
  for (const [operationId, approval] of decision.state.approvals) {
    if (!isPersonal(approval.operation.operation) || !isOver(approval)) continue;
    decision.emit<ApprovalWithdrawn>("ApprovalWithdrawn", { operationId, reason });
  }
}

/** An operation that was given up gets another chance. */
export function redriveOperation(decision: Decision, { operationId }: RedriveOperation): void {
  const { id, life, deadLetters, owner } = decision.state;
  assertNotErased(decision);
  if (life.type === "ended") {
    throw decision.refusal(
      "SESSION_ENDED",
      `Session ${id} has ended. Open it again, then drive the operation again.`,
    );
  }
  if (findOperation(decision.state, operationId) !== undefined) return;
  if (!deadLetters.has(operationId)) {
    throw decision.refusal(
      "OPERATION_NOT_FOUND",
      `Session ${id} has no operation ${operationId} that was given up. deadLetters() lists those that can be driven again.`,
    );
  }
  decision.emit<OperationRedriven>("OperationRedriven", { operationId, epoch: owner?.epoch ?? 0 });
}
