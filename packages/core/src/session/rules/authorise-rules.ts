import type { OperationAuthorised, OperationRejected } from "../../events/operation-events.ts";
import type { OperationId } from "../../ids.ts";
import type { Decision } from "../decision.ts";
import type { Verdict } from "../effect.ts";
import type { Approval } from "../state.ts";
import { isInScope, targetOf } from "../target.ts";

/** The host's policy has said whether the session may do it. What is decided already stays as it is. */
export function judged(decision: Decision, operationId: OperationId, verdict: Verdict): void {
  const approval = decision.state.approvals.get(operationId);
  if (approval?.unauthorised === undefined) return;
  if (verdict === "forbidden") refuse(decision, approval, "OPERATION_FORBIDDEN");
  else authorise(decision, approval, "policy", verdict === "ask");
}

/** The new owner has no policy: what waited for the last one's is judged as if it were asked now. */
export function authoriseByScope(decision: Decision): void {
  for (const approval of [...decision.state.approvals.values()]) {
    if (approval.unauthorised === undefined) continue;
    if (isInScope(decision.state.scope, approval.operation.operation))
      authorise(decision, approval, "scope", false);
    else refuse(decision, approval, "OUT_OF_SCOPE");
  }
}

function authorise(
  decision: Decision,
  { operation: { id, operation } }: Approval,
  by: OperationAuthorised["data"]["by"],
  asksPerson: boolean,
): void {
  const { approve, approvalMs } = decision.state.policy;
  // Two keys: that the session may do it does not say that this one need not be looked at.
  const waits = asksPerson || approve.some((type) => type === operation.type);
  decision.emit<OperationAuthorised>("OperationAuthorised", {
    operationId: id,
    by,
    approvalUntil: waits ? decision.now + approvalMs : null,
  });
}

function refuse(
  decision: Decision,
  { operation: { id, operation } }: Approval,
  code: "OPERATION_FORBIDDEN" | "OUT_OF_SCOPE",
): void {
  const what = code === "OUT_OF_SCOPE" ? "touch" : `do ${operation.type} on`;
  const reason = `This session may not ${what} ${targetOf(operation)}.`;
  decision.emit<OperationRejected>("OperationRejected", {
    operationId: id,
    by: "policy",
    code,
    reason,
  });
}
