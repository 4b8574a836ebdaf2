import assert from "node:assert/strict";
import { isWaybillError } from "../../errors.ts";
import type { FailureClass, WaybillError } from "../../errors.ts";
import type { TrackerCall, TrackerOperation } from "../../ports/tracker.ts";

let made = 0;

/** A call of the agent "Кодер", under a key of its own (with slashes, as real ones have). */
export function callOf(operation: TrackerOperation, key?: string): TrackerCall {
  made += 1;
  return {
    key: key ?? `contract.session/run-${made}/${made}`,
    operation,
    by: { slug: "coder", name: "Кодер" },
  };
}

/** Asserts that the call fails as expected, and gives the error. */
export async function failureOfCall(
  call: Promise<unknown>,
  expected: { readonly class: FailureClass; readonly code?: string },
): Promise<WaybillError> {
  const [outcome] = await Promise.allSettled([call]);
  assert.ok(outcome.status === "rejected", "It should have failed, and resolved.");
  const error: unknown = outcome.reason;
  assert.ok(isWaybillError(error), `${String(error)} is no WaybillError.`);
  assert.equal(error.class, expected.class, error.message);
  if (expected.code !== undefined) {
    assert.equal(error.code, expected.code, error.message);
  }
  return error;
}
