import assert from "node:assert/strict";
import type { OperationEvent } from "../../events/operation-events.ts";
import type { OperationId } from "../../ids.ts";
import { targetOf } from "../../session/target.ts";
import type { Book, EntriesOf } from "./book.ts";

/** What may happen to operations. */
export function operationEntries(book: Book): EntriesOf<OperationEvent> {
  const clear = (id: OperationId): void => {
    const { target } = book.operation(id);
    book.queues.set(target, [...(book.queues.get(target) ?? []), id]);
  };
  const end = (id: OperationId, how: "delivered" | "rejected" | "denied" | "abandoned"): void => {
    const operation = book.operation(id);
    const { target } = operation;
    book.operations.delete(id);
    book.unauthorised.delete(id);
    book.past.set(id, operation);
    book.ends.set(id, how);
    book.queues.set(
      target,
      (book.queues.get(target) ?? []).filter((each) => each !== id),
    );
  };

  return {
    OperationRequested({ operationId: id, operation, runId, approvalUntil }) {
      book.current(runId);
      assert.ok(!book.operations.has(id) && !book.ends.has(id), `${id} is asked for once`);
      const at = approvalUntil === null ? "cleared" : "held";
      book.operations.set(id, { target: targetOf(operation), at, attempts: 0, epoch: 0 });
      if (at === "cleared") clear(id);
    },
    WordRedriven({ operationId: id, operation, approvalUntil }) {
      assert.ok(!book.operations.has(id) && !book.ends.has(id), `${id} is asked for once`);
      const at = approvalUntil === null ? "cleared" : "held";
      book.operations.set(id, { target: targetOf(operation), at, attempts: 0, epoch: 0 });
      if (at === "cleared") clear(id);
    },
    AuthorisationAsked({ operationId }) {
      const operation = book.operation(operationId);
      assert.equal(operation.at, "held", "the policy is asked about what waits");
      assert.notEqual(operation.target, "person", "and never about what is asked of people");
      book.unauthorised.add(operationId);
    },
    OperationAuthorised({ operationId, approvalUntil }) {
      assert.ok(book.unauthorised.delete(operationId), "an operation is authorised once");
      const operation = book.operation(operationId);
      if (approvalUntil !== null) return;
      operation.at = "cleared";
      clear(operationId);
    },
    ApprovalGranted({ operationId }) {
      assert.ok(!book.unauthorised.has(operationId), "people decide after the policy");
      const operation = book.operation(operationId);
      assert.equal(operation.at, "held", "an operation is granted while it waits");
      operation.at = "cleared";
      clear(operationId);
    },
    ApprovalDenied({ operationId }) {
      assert.equal(book.operation(operationId).at, "held", "one is denied while it waits");
      end(operationId, "denied");
    },
    ApprovalWithdrawn({ operationId }) {
      assert.equal(book.operation(operationId).at, "held", "one is withdrawn while it waits");
      end(operationId, "denied");
    },
    PersonAnswered({ operationId }) {
      const { at, target } = book.operation(operationId);
      assert.equal(at, "held", "a person answers while the agent waits");
      assert.equal(target, "person", "and answers what was asked of people");
      end(operationId, "delivered");
    },
    OperationRejected({ operationId }) {
      end(operationId, "rejected");
    },
    OperationAttempted({ operationId, attempt, epoch }) {
      const operation = book.operation(operationId);
      const [first] = book.queues.get(operation.target) ?? [];
      assert.equal(
        first,
        operationId,
        `${operationId} is tried in its order on ${operation.target}`,
      );
      assert.equal(attempt, operation.attempts + 1, "attempts count");
      assert.equal(epoch, book.epoch, "only the present owner makes attempts");
      Object.assign(operation, { at: "attempted", attempts: attempt, epoch });
    },
    OperationDeferred({ operationId }) {
      book.operation(operationId).at = "deferred";
    },
    OperationInDoubt({ operationId, attempt }) {
      const operation = book.operation(operationId);
      assert.ok(attempt > operation.attempts, "attempts count");
      Object.assign(operation, { at: "doubted", attempts: attempt });
    },
    OperationDelivered({ operationId }) {
      assert.ok(book.operation(operationId).attempts > 0, "an attempt precedes a delivery");
      end(operationId, "delivered");
    },
    OperationAbandoned({ operationId }) {
      end(operationId, "abandoned");
    },
    OperationAnswered({ operationId }) {
      assert.ok(book.ends.has(operationId), "the agent is told of what is over");
      book.answered.add(operationId);
    },
    OperationRedriven({ operationId }) {
      assert.equal(
        book.ends.get(operationId),
        "abandoned",
        "only what was given up is driven again",
      );
      const before = book.past.get(operationId);
      assert.ok(before, `${operationId} was there before`);
      book.ends.delete(operationId);
      book.answered.delete(operationId);
      book.operations.set(operationId, { ...before, at: "cleared", epoch: 0 });
      clear(operationId);
    },
  };
}
