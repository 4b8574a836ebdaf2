import assert from "node:assert/strict";
import type { Clauses } from "../transport-contract.ts";
import { outcome, startsOf } from "./observe.ts";
import type { Observer } from "./observe.ts";

/** That a run id is started at most once in all of time. */
export function startClauses({ seen, ended, ready }: Observer): Clauses {
  return {
    "check() tells where runs will live": async ({ transport }) => {
      const info = await transport.check();
      assert.notEqual(info.host, "");
      assert.ok([null, 0, 1].includes(info.protocol));
    },
    "start() twice is one run": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "exit_on_term" } });
      const first = await fixture.transport.start(plan);
      await ready(fixture, plan);
      const second = await fixture.transport.start(plan);
      assert.deepEqual([first.already, second.already], [false, true]);
      assert.equal(second.handle, first.handle);
      await fixture.transport.stop(plan, 5_000);
      assert.equal(await startsOf(fixture, plan), 1);
    },
    "8 racing starts are one run": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "exit_on_term" } });
      const other = await fixture.another();
      const starts = Array.from({ length: 8 }, (_, i) =>
        (i % 2 === 0 ? fixture.transport : other).start(plan),
      );
      const started = await Promise.all(starts);
      assert.ok(
        started.filter((one) => !one.already).length <= 1,
        "more than one says it was first",
      );
      assert.equal(new Set(started.map((one) => one.handle)).size, 1);
      await ready(fixture, plan);
      await fixture.transport.stop(plan, 5_000);
      assert.equal(await startsOf(fixture, plan), 1);
    },
    "start() of a run that ended by itself never runs it again": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
      await fixture.transport.start(plan);
      await ended(fixture.transport, plan);
      const again = await outcome(fixture.transport.start(plan));
      assert.ok(again === "RUN_ENDED" || (typeof again === "object" && again.already));
      await ended(fixture.transport, plan);
      assert.equal(await startsOf(fixture, plan), 1);
    },
    "start() after stop() throws RUN_ENDED": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "exit_on_term" } });
      await fixture.transport.start(plan);
      await ready(fixture, plan);
      await fixture.transport.stop(plan, 5_000);
      assert.equal(await outcome(fixture.transport.start(plan)), "RUN_ENDED");
      assert.equal(await startsOf(fixture, plan), 1);
    },
    "stop() before start() forbids the run for ever": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
      assert.equal(await fixture.transport.stop(plan, 100), null);
      assert.equal(await outcome(fixture.transport.start(plan)), "RUN_ENDED");
      const other = await fixture.another();
      assert.equal(await outcome(other.start(plan)), "RUN_ENDED");
      assert.equal(await startsOf(fixture, plan), 0);
    },
    "a stop() that races a start() leaves nothing running": async (fixture) => {
      for (let round = 0; round < 4; round += 1) {
        const plan = await fixture.plan({ program: { do: "exit_on_term" } });
        const other = await fixture.another();
        await Promise.allSettled([fixture.transport.start(plan), other.stop(plan, 2_000)]);
        const sightings = await seen(fixture.transport, plan);
        assert.ok(!sightings.includes("running"), `round ${round}: it still runs after stop()`);
        assert.equal(await outcome(fixture.transport.start(plan)), "RUN_ENDED");
      }
    },
    "start() with a signal that is aborted already rejects": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "exit_on_term" } });
      await assert.rejects(fixture.transport.start(plan, AbortSignal.abort()));
      await fixture.transport.stop(plan, 2_000);
      assert.ok(!(await seen(fixture.transport, plan)).includes("running"));
    },
    "a run lives on without its transport, and another adopts it": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "exit_on_term" } });
      const { handle } = await fixture.transport.start(plan);
      await ready(fixture, plan);
      await fixture.transport.close();
      const other = await fixture.another();
      const adopted = await other.start(plan);
      assert.deepEqual([adopted.already, adopted.handle], [true, handle]);
      const sightings = seen(other, plan);
      await other.stop(plan, 5_000);
      assert.deepEqual(await sightings, ["running", "exited"]);
    },
  };
}
