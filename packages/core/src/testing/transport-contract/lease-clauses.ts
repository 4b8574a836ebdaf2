import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { RunPlan } from "../../ports/run-plan.ts";
import type { Clauses, TransportFixture } from "../transport-contract.ts";
import { assertKilled, outcome, startsOf } from "./observe.ts";
import type { Observer } from "./observe.ts";

/** That a run with a lease lives no longer than somebody renews it. */
export function leaseClauses({ ended, ready }: Observer): Clauses {
  return {
    "a run whose lease has ended does not begin, and does once it is extended": async (fixture) => {
      const program = { do: "exit_on_term" } as const;
      const plan = await fixture.plan({ program, lease: { ms: 60_000, graceMs: 500 } });
      assert.equal(
        typeof (await outcome(fixture.transport.start(plan))),
        "string",
        "it is refused",
      );
      assert.equal(await startsOf(fixture, plan), 0);
      await extend(fixture, plan, 60_000);
      await fixture.transport.start(plan);
      await ready(fixture, plan);
      assert.equal((await fixture.transport.stop(plan, 5_000))?.exitCode, 0);
    },
    "a run is asked to end when its lease has ended, with nobody there to watch": async (
      fixture,
    ) => {
      const program = { do: "exit_on_term" } as const;
      const plan = await fixture.plan({ program, lease: { ms: 20_000, graceMs: 10_000 } });
      await extend(fixture, plan, 2_500);
      await fixture.transport.start(plan);
      await ready(fixture, plan);
      await fixture.transport.close();
      await pause(4_500);
      const exit = await ended(await fixture.another(), plan);
      assert.deepEqual([exit.exitCode, exit.signal], [0, null]);
      assert.match(exit.detail ?? "", /lease/u);
    },
    "a run that ignores TERM is killed when its lease and the grace have ended": async (
      fixture,
    ) => {
      const program = { do: "ignore_term" } as const;
      const plan = await fixture.plan({ program, lease: { ms: 20_000, graceMs: 1_000 } });
      await extend(fixture, plan, 2_500);
      await fixture.transport.start(plan);
      await ready(fixture, plan);
      assertKilled(await ended(fixture.transport, plan));
    },
    "a run lives on for as long as its lease is renewed": async (fixture) => {
      const program = { do: "exit_on_term" } as const;
      const plan = await fixture.plan({ program, lease: { ms: 4_000, graceMs: 500 } });
      await extend(fixture, plan, 4_000);
      await fixture.transport.start(plan);
      await ready(fixture, plan);
      for (let round = 0; round < 3; round += 1) {
        await pause(1_700);
        await extend(fixture, plan, 4_000);
      }
      assert.equal((await fixture.transport.stop(plan, 5_000))?.exitCode, 0, "it lived until now");
    },
  };
}

async function extend(fixture: TransportFixture, plan: RunPlan, ms: number): Promise<void> {
  if (fixture.extendLease === undefined) {
    throw new TypeError("Give the fixture `extendLease`, or skip this clause with a reason.");
  }
  await fixture.extendLease(plan, Date.now() + ms);
}
