import assert from "node:assert/strict";
import type { GatewayClauses } from "../gateway-contract.ts";
import { ledgerOf, numbersOf, tokens, type BookReader } from "./read.ts";
import { contractTerms } from "./terms.ts";

const { model, usdPerToken } = contractTerms;
const ended = (): boolean => true;

/** That books end when the session is erased, or has ended and nobody needs them, and not before. */
export function endClauses(read: BookReader): GatewayClauses {
  return {
    "erase() closes the session's ways and removes its books, read or not": async ({
      gateway,
      plan,
      ask,
    }) => {
      const run = plan();
      const attachment = await gateway.attach(run);
      await ask(attachment, tokens(1, model));
      await gateway.erase(run);
      assert.deepEqual(await read.all(gateway, run), []);
      assert.equal(await ask(attachment, tokens(1, model)), "unreachable");
    },
    "erase() is safe to repeat, and for a session that nobody knows": async ({
      gateway,
      another,
      plan,
      ask,
    }) => {
      await gateway.erase(plan());
      const run = plan();
      const attachment = await gateway.attach(run);
      await ask(attachment, tokens(1, model));
      await gateway.detach(run);
      await gateway.erase(run);
      await (await another()).erase(run);
      assert.deepEqual(await read.all(gateway, run), []);
    },
    "erase() touches no other session, not one of the same name in another log": async ({
      gateway,
      plan,
      ask,
    }) => {
      const run = plan();
      const others = [plan(), plan({ sessionId: run.sessionId, owner: "another-log" })];
      const attachments = await Promise.all(others.map((each) => gateway.attach(each)));
      for (const each of attachments) await ask(each, tokens(1, model));
      await gateway.erase(run);
      for (const each of others) assert.equal((await read.all(gateway, each)).length, 1);
      for (const each of attachments) assert.equal(await ask(each, tokens(1, model)), "answered");
    },
    "what was erased does not come back with what holds the books": async (fixture) => {
      const { gateway, plan, ask } = fixture;
      const run = plan();
      const attachment = await gateway.attach(run);
      await ask(attachment, tokens(1, model));
      await gateway.erase(run);
      await fixture.restart();
      assert.deepEqual(await read.all(gateway, run), []);
      assert.equal(await ask(attachment, tokens(1, model)), "unreachable");
    },
    "tidy() lets go of the books of a session that has ended and is recorded": async ({
      gateway,
      plan,
      ask,
    }) => {
      const run = plan();
      const before = await (async () => {
        await ask(await gateway.attach(run), tokens(1, model));
        await gateway.detach(run);
        return read.all(gateway, run);
      })();
      const other = plan();
      await ask(await gateway.attach(other), tokens(1, model));
      await gateway.detach(other);
      const kept = await read.all(gateway, other);
      await gateway.tidy(run.owner, (session) => session === run.sessionId);

      // Both are opened again: other books where they were let go of, the same where they were not.
      for (const [each, ledger, same] of [
        [run, ledgerOf(before), false],
        [other, ledgerOf(kept), true],
      ] as const) {
        const again = plan({ sessionId: each.sessionId });
        await ask(await gateway.attach(again), tokens(2, model));
        const after = await read.all(gateway, again, { [ledger]: 1 });
        assert.equal(ledgerOf(after) === ledger, same);
        assert.deepEqual(numbersOf(after), [same ? 2 : 1]);
      }
    },
    "a session that is opened again after tidy() has the figures that the log has": async ({
      gateway,
      plan,
      ask,
    }) => {
      const terms = { capUsd: 100 * usdPerToken, spentUsd: 0, spentTokens: 0 };
      const run = plan();
      await ask(await gateway.attach(run, terms), tokens(100, model));
      await gateway.detach(run);
      await read.all(gateway, run);
      await gateway.tidy(run.owner, ended);
      const spent = { ...terms, spentUsd: 100 * usdPerToken, spentTokens: 100 };
      const again = await gateway.attach(plan({ sessionId: run.sessionId }), spent);
      assert.equal(await ask(again, tokens(1, model)), "refused");
    },
    "tidy() keeps a reading that nobody has recorded": async ({ gateway, plan, ask }) => {
      const run = plan();
      await ask(await gateway.attach(run), tokens(1, model));
      await gateway.detach(run);
      await gateway.tidy(run.owner, ended);
      const before = await read.firstBatch(gateway, run);
      assert.deepEqual(numbersOf(before), [1]);
      await gateway.tidy(run.owner, ended);
      assert.deepEqual(await read.firstBatch(gateway, run), before);
    },
    "tidy() keeps the books of a session that has a way, whatever is said of it": async ({
      gateway,
      plan,
      ask,
    }) => {
      const run = plan();
      const attachment = await gateway.attach(run, {
        capUsd: 100 * usdPerToken,
        spentUsd: 0,
        spentTokens: 0,
      });
      await ask(attachment, tokens(100, model));
      await read.all(gateway, run);
      await gateway.tidy(run.owner, ended);
      assert.equal(await ask(attachment, tokens(1, model)), "refused");
    },
    "tidy() asks about no session of another log": async ({ gateway, plan, ask }) => {
      const run = plan({ owner: "another-log" });
      await ask(await gateway.attach(run), tokens(1, model));
      await gateway.detach(run);
      const ledger = ledgerOf(await read.all(gateway, run));
      await gateway.tidy("contract", ended);
      await ask(await gateway.attach(run), tokens(2, model));
      assert.equal(ledgerOf(await read.all(gateway, run, { [ledger]: 1 })), ledger);
    },
  };
}
