import { expect, test } from "vitest";
import { defaultPolicy } from "@waybill/core";

test("the default policy is as its comments and the pages say", () => {
  const second = 1_000;
  const day = 24 * 60 * 60 * second;
  expect(defaultPolicy).toMatchObject({
    startMs: 60 * second,
    stallMs: 300 * second,
    turnMs: 60 * 60 * second,
    idleMs: 300 * second,
    interruptMs: 30 * second,
    drainMs: 30 * second,
    graceMs: 10 * second,
    closeMs: day,
    retryMs: 500,
    retryCapMs: 60 * second,
    startAttempts: 5,
    failures: 5,
    rateLimits: 10,
    rateLimitMs: 8 * day,
    operationMs: day,
    doubtMs: 30 * second,
    queue: 1_000,
    operations: 1_000,
    budgetUsd: null,
    approve: [],
    approvalMs: day,
  });
});
