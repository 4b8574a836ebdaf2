import assert from "node:assert/strict";
import type { GatewayClauses } from "../gateway-contract.ts";
import { gistOf, ledgerOf, numbersOf, tokens, type BookReader } from "./read.ts";
import { contractTerms } from "./terms.ts";

const { model, otherModel, usdPerToken } = contractTerms;

/** That every reading is handed over under one number, until it is recorded. */
export function booksClauses(read: BookReader): GatewayClauses {
  return {
    "a request that was answered is a reading with what the model said that it took": async ({
      gateway,
      plan,
      ask,
    }) => {
      const run = plan();
      const attachment = await gateway.attach(run);
      await ask(attachment, { model, inputTokens: 30, outputTokens: 12 });
      const [reading, ...others] = await read.all(gateway, run);
      assert.ok(reading?.type === "usage" && others.length === 0);
      const { runId, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = reading;
      assert.deepEqual(
        [runId, reading.model, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens],
        [run.runId, model, 30, 12, 0, 0],
      );
      assert.ok(Math.abs((reading.costUsd ?? 0) - 42 * usdPerToken) < 1e-9);
      assert.equal(reading.estimated, false);
    },
    "a request that was refused is a reading with its reason, and costs nothing": async ({
      gateway,
      plan,
      ask,
    }) => {
      const run = plan();
      const attachment = await gateway.attach(run);
      await ask(attachment, tokens(10, otherModel));
      const [reading, ...others] = await read.all(gateway, run);
      assert.ok(reading?.type === "refused" && others.length === 0);
      assert.deepEqual([reading.runId, reading.model, reading.count], [run.runId, otherModel, 1]);
      assert.match(reading.reason, /^[a-z][a-z-]*$/);
    },
    "readings are numbered from 1 without gaps, over the session's runs": async ({
      gateway,
      plan,
      ask,
    }) => {
      const first = plan();
      const second = plan({ sessionId: first.sessionId });
      for (const run of [first, second]) {
        const attachment = await gateway.attach(run);
        for (const size of [1, 2]) await ask(attachment, tokens(size, model));
        await gateway.detach(run);
      }
      const readings = await read.all(gateway, first);
      ledgerOf(readings);
      assert.deepEqual(numbersOf(readings), [1, 2, 3, 4]);
      assert.deepEqual(
        readings.map(({ runId }) => runId),
        [first.runId, first.runId, second.runId, second.runId],
      );
    },
    "what is recorded already is not handed over again": async ({ gateway, plan, ask }) => {
      const run = plan();
      const attachment = await gateway.attach(run);
      for (const size of [1, 2, 3]) await ask(attachment, tokens(size, model));
      const [first] = await read.firstBatch(gateway, run);
      assert.ok(first !== undefined);
      const { ledger } = first.mark;
      assert.deepEqual(numbersOf(await read.all(gateway, run, { [ledger]: 2 })), [3]);
      // Marks of another ledger say nothing of this one.
      await ask(attachment, tokens(4, model));
      assert.deepEqual(numbersOf(await read.all(gateway, run, { other: 9 })).at(-1), 4);
    },
    "what nobody said to be recorded is handed over again, under the same numbers": async ({
      gateway,
      another,
      plan,
      ask,
    }) => {
      const run = plan();
      const attachment = await gateway.attach(run);
      for (const size of [1, 2]) await ask(attachment, tokens(size, model));
      const before = await read.firstBatch(gateway, run);
      await gateway.close();
      assert.deepEqual(await read.firstBatch(await another(), run), before);
    },
    "asking for more lets what was recorded be forgotten, and numbers go on": async ({
      gateway,
      plan,
      ask,
    }) => {
      const run = plan();
      const attachment = await gateway.attach(run);
      await ask(attachment, tokens(1, model));
      const before = await read.all(gateway, run);
      await ask(attachment, tokens(2, model));
      const after = await read.all(gateway, run, { [ledgerOf(before)]: 1 });
      assert.deepEqual(numbersOf(after), [2]);
      assert.equal(ledgerOf(after), ledgerOf(before));
    },
    "readings outlive the run's way, and what holds them": async (fixture) => {
      const { gateway, plan, ask } = fixture;
      const run = plan();
      const attachment = await gateway.attach(run);
      for (const size of [1, 2]) await ask(attachment, tokens(size, model));
      await ask(attachment, tokens(1, otherModel));
      const before = await read.firstBatch(gateway, run);
      await fixture.restart();
      assert.deepEqual(await read.firstBatch(gateway, run), before);
      await gateway.detach(run);
      assert.deepEqual(await read.firstBatch(gateway, run), before);
      assert.deepEqual(gistOf(before), [
        { type: "usage", tokens: 1 },
        { type: "usage", tokens: 2 },
        { type: "refused", count: 1 },
      ]);
    },
    "who follows hears of each reading when it comes": async ({ gateway, plan, ask }) => {
      const run = plan();
      const attachment = await gateway.attach(run);
      const heard = read.follow(gateway, run, 2);
      await ask(attachment, tokens(1, model));
      await ask(attachment, tokens(2, model));
      assert.deepEqual(numbersOf(await heard), [1, 2]);
    },
    "who follows stops when the signal aborts": async ({ gateway, plan }) => {
      const run = plan();
      await gateway.attach(run);
      const stop = new AbortController();
      const following = gateway.readings(run, { after: {}, follow: true, signal: stop.signal });
      const next = following[Symbol.asyncIterator]().next();
      stop.abort();
      assert.deepEqual(await next, { done: true, value: undefined });
    },
    "of a session that nobody knows there is nothing to read": async ({ gateway, plan }) => {
      assert.deepEqual(await read.all(gateway, plan()), []);
    },
    "many readings come in order, each once": async ({ gateway, plan, ask }) => {
      const run = plan();
      const attachment = await gateway.attach(run);
      for (let size = 1; size <= 150; size += 1) await ask(attachment, tokens(size, model));
      const readings = await read.all(gateway, run);
      const expected = Array.from({ length: 150 }, (_, index) => index + 1);
      assert.deepEqual(numbersOf(readings), expected);
      assert.deepEqual(
        readings.map((each) => (each.type === "usage" ? each.inputTokens : null)),
        expected,
      );
    },
  };
}
