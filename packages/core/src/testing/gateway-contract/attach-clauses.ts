import assert from "node:assert/strict";
import type { GatewayClauses } from "../gateway-contract.ts";
import { tokens } from "./read.ts";
import { contractTerms } from "./terms.ts";

const { model, otherModel } = contractTerms;

/** That a run has a way as long as it is attached, and only its own. */
export function attachClauses(): GatewayClauses {
  return {
    "check() resolves where runs can be attached": async ({ gateway }) => {
      await gateway.check();
      await gateway.check();
    },
    "attach() resolves once the run's way answers": async ({ gateway, plan, ask }) => {
      const attachment = await gateway.attach(plan());
      assert.equal(await ask(attachment, tokens(10, model)), "answered");
    },
    "a model that is not allowed is refused, and the way stays open": async ({
      gateway,
      plan,
      ask,
    }) => {
      const attachment = await gateway.attach(plan());
      assert.equal(await ask(attachment, tokens(10, otherModel)), "refused");
      assert.equal(await ask(attachment, tokens(10, model)), "answered");
    },
    "attach() is safe to repeat, also while the run lives, and by another orchestrator": async ({
      gateway,
      another,
      plan,
      ask,
    }) => {
      const run = plan();
      const attachment = await gateway.attach(run);
      await ask(attachment, tokens(10, model));
      assert.deepEqual(await gateway.attach(run), attachment);
      assert.deepEqual(await (await another()).attach(run), attachment);
      assert.equal(await ask(attachment, tokens(10, model)), "answered");
    },
    "detach() closes the run's way and no other, and is safe to repeat": async ({
      gateway,
      plan,
      ask,
    }) => {
      const run = plan();
      const one = await gateway.attach(run);
      const other = await gateway.attach(plan({ sessionId: run.sessionId }));
      await gateway.detach(run);
      await gateway.detach(run);
      assert.equal(await ask(one, tokens(10, model)), "unreachable");
      assert.equal(await ask(other, tokens(10, model)), "answered");
    },
    "detach() of a run that nobody knows does nothing": async ({ gateway, plan }) => {
      await gateway.detach(plan());
    },
    "an orchestrator that did not attach the run can detach it": async ({
      gateway,
      another,
      plan,
      ask,
    }) => {
      const run = plan();
      const attachment = await gateway.attach(run);
      await (await another()).detach(run);
      assert.equal(await ask(attachment, tokens(10, model)), "unreachable");
    },
    "close() leaves the ways of live runs open, and is safe to repeat": async ({
      gateway,
      plan,
      ask,
    }) => {
      const attachment = await gateway.attach(plan());
      await gateway.close();
      await gateway.close();
      assert.equal(await ask(attachment, tokens(10, model)), "answered");
    },
    "a way is open again when what holds it has died and is back": async (fixture) => {
      const attachment = await fixture.gateway.attach(fixture.plan());
      await fixture.restart();
      assert.equal(await fixture.ask(attachment, tokens(10, model)), "answered");
    },
  };
}
