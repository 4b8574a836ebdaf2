import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { Clauses } from "../transport-contract.ts";
import { assertKilled, handleOf, outcome, startsOf } from "./observe.ts";
import type { Observer } from "./observe.ts";

/** That what was stopped is gone, found and forgotten only by its owner. */
export function stopClauses({ seen, ended, ready, until }: Observer): Clauses {
  return {
    "stop() asks first: a run that heeds TERM ends with its own code": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "exit_on_term" } });
      await fixture.transport.start(plan);
      await ready(fixture, plan);
      const exit = await fixture.transport.stop(plan, 15_000);
      assert.deepEqual([exit?.exitCode, exit?.signal], [0, null]);
    },
    "stop() escalates: a run that ignores TERM is killed after the grace": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "ignore_term" } });
      await fixture.transport.start(plan);
      await ready(fixture, plan);
      const exit = await fixture.transport.stop(plan, 500);
      assert.ok(exit !== null);
      assertKilled(exit);
      assert.deepEqual(await seen(fixture.transport, plan), ["exited"]);
    },
    "stop() leaves no descendant, not even one with a session of its own": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "leave_descendant" } });
      await fixture.transport.start(plan);
      await ready(fixture, plan);
      await until("a dot", async () => (await fixture.output(plan, "stdout")).includes("."));
      await fixture.transport.stop(plan, 2_000);
      const then = await fixture.output(plan, "stdout");
      await pause(700);
      assert.equal(await fixture.output(plan, "stdout"), then, "a descendant still writes");
    },
    "stop() of a run that is gone resolves with how it ended, however often": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "exit", code: 3 } });
      await fixture.transport.start(plan);
      await ended(fixture.transport, plan);
      const exits = await Promise.all([
        fixture.transport.stop(plan, 100),
        (await fixture.another()).stop(plan, 100),
      ]);
      exits.push(await fixture.transport.stop(plan, 100));
      for (const exit of exits) assert.ok(exit === null || exit.exitCode === 3);
    },
    "list() shows the owner's runs and no other's, as handles that work": async (fixture) => {
      const program = { do: "exit_on_term" } as const;
      const [mine, yours] = [
        await fixture.plan({ program, owner: "contract-mine" }),
        await fixture.plan({ program, owner: "contract-mine-not" }),
      ];
      await fixture.transport.start(mine);
      await fixture.transport.start(yours);
      await ready(fixture, mine);
      const other = await fixture.another();
      const handles = await other.list(mine.owner);
      assert.deepEqual(handles.map(handleOf), [handleOf(mine)]);
      const listed = handles[0];
      assert.ok(listed !== undefined);
      assert.equal((await other.stop(listed, 5_000))?.exitCode, 0);
      assert.deepEqual((await other.list(yours.owner)).map(handleOf), [handleOf(yours)]);
      await other.remove(listed);
      assert.deepEqual(await other.list(mine.owner), []);
    },
    "remove() is repeatable and keeps the marker": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
      await fixture.transport.start(plan);
      await ended(fixture.transport, plan);
      await fixture.transport.stop(plan, 100);
      await fixture.transport.remove(plan);
      await fixture.transport.remove(plan);
      assert.equal(await outcome(fixture.transport.start(plan)), "RUN_ENDED");
      assert.ok(!(await seen(fixture.transport, plan)).includes("running"));
      assert.equal(await startsOf(fixture, plan), 1);
    },
  };
}
