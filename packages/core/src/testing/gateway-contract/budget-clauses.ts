import assert from "node:assert/strict";
import type { SpendingTerms } from "../../ports/gateway.ts";
import type { GatewayClauses } from "../gateway-contract.ts";
import { tokens } from "./read.ts";
import { contractTerms } from "./terms.ts";

const { model, usdPerToken } = contractTerms;

/** A cap of so many tokens. */
const cap = (capTokens: number, spent: Partial<SpendingTerms> = {}): SpendingTerms => ({
  capUsd: capTokens * usdPerToken,
  spentUsd: 0,
  spentTokens: 0,
  ...spent,
});

/** That a session costs no more than it may, whatever its agent says. */
export function budgetClauses(): GatewayClauses {
  return {
    "a session that has reached its cap is refused": async ({ gateway, plan, ask }) => {
      const attachment = await gateway.attach(plan(), cap(100));
      assert.equal(await ask(attachment, tokens(99, model)), "answered");
      assert.equal(await ask(attachment, tokens(50, model)), "answered");
      assert.equal(await ask(attachment, tokens(1, model)), "refused");
    },
    "a cap is the session's, over all its runs": async ({ gateway, plan, ask }) => {
      const run = plan();
      const first = await gateway.attach(run, cap(100));
      await ask(first, tokens(100, model));
      await gateway.detach(run);
      const second = await gateway.attach(plan({ sessionId: run.sessionId }), cap(100));
      assert.equal(await ask(second, tokens(1, model)), "refused");
      const other = await gateway.attach(plan(), cap(100));
      assert.equal(await ask(other, tokens(1, model)), "answered");
    },
    "a session of the same name in another log has a cap of its own": async ({
      gateway,
      plan,
      ask,
    }) => {
      const run = plan();
      const one = await gateway.attach(run, cap(100));
      await ask(one, tokens(100, model));
      const elsewhere = plan({ sessionId: run.sessionId, owner: "another-log" });
      const other = await gateway.attach(elsewhere, cap(100));
      assert.equal(await ask(other, tokens(1, model)), "answered");
    },
    "newer terms hold from the next request on, and without terms the old ones": async ({
      gateway,
      plan,
      ask,
    }) => {
      const run = plan();
      const attachment = await gateway.attach(run, cap(100));
      await ask(attachment, tokens(100, model));
      await gateway.attach(run);
      assert.equal(await ask(attachment, tokens(1, model)), "refused");
      await gateway.attach(run, cap(200));
      assert.equal(await ask(attachment, tokens(100, model)), "answered");
      assert.equal(await ask(attachment, tokens(1, model)), "refused");
      await gateway.attach(run, { capUsd: null, spentUsd: 0, spentTokens: 0 });
      assert.equal(await ask(attachment, tokens(1_000, model)), "answered");
    },
    "what the log knows to be spent counts, also where these books lack it": async ({
      gateway,
      plan,
      ask,
    }) => {
      const spent = { spentUsd: 90 * usdPerToken, spentTokens: 90 };
      const attachment = await gateway.attach(plan(), cap(100, spent));
      assert.equal(await ask(attachment, tokens(20, model)), "answered");
      assert.equal(await ask(attachment, tokens(1, model)), "refused");
    },
    "what the log does not know yet counts as well": async ({ gateway, plan, ask }) => {
      const run = plan();
      const attachment = await gateway.attach(run, cap(100));
      await ask(attachment, tokens(100, model));
      await gateway.attach(run, cap(100, { spentUsd: usdPerToken, spentTokens: 1 }));
      assert.equal(await ask(attachment, tokens(1, model)), "refused");
    },
    "a cap holds over the death of what holds the books": async ({
      gateway,
      plan,
      ask,
      restart,
    }) => {
      const attachment = await gateway.attach(plan(), cap(100));
      await ask(attachment, tokens(100, model));
      await restart();
      assert.equal(await ask(attachment, tokens(1, model)), "refused");
    },
  };
}
