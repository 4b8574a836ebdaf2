import type {
  ApprovalDenied,
  ApprovalGranted,
  OperationRedriven,
} from "../../events/operation-events.ts";
import type { DecideApproval, RedriveOperation } from "../command.ts";
import type { Decision } from "../decision.ts";
import { findOperation } from "../outbox.ts";

/** Somebody allows or refuses an operation; one that is decided already stays as it is. */
export function decideApproval(decision: Decision, command: DecideApproval): void {
  const { operationId, granted, by, reason } = command;
  if (!decision.state.approvals.has(operationId)) return;
  if (granted) decision.emit<ApprovalGranted>("ApprovalGranted", { operationId, by });
  else decision.emit<ApprovalDenied>("ApprovalDenied", { operationId, by, reason });
}

/** An operation that was given up gets another chance. */
export function redriveOperation(decision: Decision, { operationId }: RedriveOperation): void {
  const { id, life, deadLetters, owner } = decision.state;
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
