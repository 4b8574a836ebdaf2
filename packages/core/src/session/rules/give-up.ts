import type { OperationAbandoned } from "../../events/operation-events.ts";
import type { Failure } from "../../errors.ts";
import type { Instant } from "../../ids.ts";
import type { Decision } from "../decision.ts";
import type { Policy } from "../policy.ts";
import type { Operation } from "../state.ts";

/** Gives the operation up after its time ran out. */
export function abandon(decision: Decision, operation: Operation): void {
  const failure: Failure = {
    class: "permanent",
    code: "OPERATION_EXPIRED",
    message: `Given up after ${operation.attempts} attempts in ${decision.state.policy.operationMs} ms.`,
  };
  decision.emit<OperationAbandoned>("OperationAbandoned", {
    operationId: operation.id,
    failure,
    maybeDelivered: operation.maybeDelivered,
  });
}

/** When an operation is given up instead of being tried again; never for one that was not tried. */
export function givenUpAt(operation: Operation, policy: Pick<Policy, "operationMs">): Instant {
  const { at, attempts, requestedAt } = operation;
  if (at.type !== "waiting" || attempts === 0) return Infinity;
  return Math.max(at.dueAt, requestedAt + policy.operationMs + 1);
}
