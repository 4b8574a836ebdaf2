import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { Clauses } from "../transport-contract.ts";
import { assertKilled } from "./observe.ts";
import type { Observer } from "./observe.ts";

/** What is seen of a run, and on what evidence. */
export function watchClauses({ seen, ended, ready, patience }: Observer): Clauses {
  return {
    "watch() reports running, then exited with the code": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "exit_on_term" } });
      await fixture.transport.start(plan);
      await ready(fixture, plan);
      const types: string[] = [];
      for await (const sighting of fixture.transport.watch(plan, patience())) {
        types.push(sighting.type);
        if (sighting.type === "running") await fixture.transport.stop(plan, 5_000);
        if (sighting.type === "exited") assert.equal(sighting.exit.exitCode, 0);
      }
      assert.deepEqual(types, ["running", "exited"]);
    },
    "a watch() begun after the end reports exited with the code": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "exit", code: 7 } });
      await fixture.transport.start(plan);
      const first = await ended(fixture.transport, plan);
      const later = await ended(await fixture.another(), plan);
      assert.deepEqual([first.exitCode, later.exitCode], [7, 7]);
      assert.deepEqual([first.signal, first.oomKilled], [null, false]);
      assert.deepEqual(await seen(fixture.transport, plan), ["exited"]);
    },
    "a killed run has no exit code or the signal's, never 0": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "die" } });
      await fixture.transport.start(plan);
      assertKilled(await ended(fixture.transport, plan));
    },
    "a run that was never started is absent": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
      assert.deepEqual(await seen(fixture.transport, plan), ["absent"]);
    },
    "silence is not absence: watch() rides out a place that does not answer": async (fixture) => {
      if (fixture.unreachable === undefined) {
        throw new TypeError("Give the fixture `unreachable`, or skip this clause with a reason.");
      }
      const plan = await fixture.plan({ program: { do: "exit_on_term" } });
      await fixture.transport.start(plan);
      await ready(fixture, plan);
      const restore = await fixture.unreachable();
      const sightings = seen(await fixture.another(), plan);
      const early = await Promise.race([sightings, pause(1_500)]);
      await restore();
      assert.equal(early, undefined, "the watch ended although nothing had answered");
      await fixture.transport.stop(plan, 5_000);
      assert.deepEqual((await sightings).at(-1), "exited");
    },
    "a signal ends a watch() and leaves the run alone": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "exit_on_term" } });
      await fixture.transport.start(plan);
      await ready(fixture, plan);
      const stopWatching = new AbortController();
      const types: string[] = [];
      for await (const sighting of fixture.transport.watch(plan, stopWatching.signal)) {
        types.push(sighting.type);
        stopWatching.abort();
      }
      assert.deepEqual(types, ["running"]);
      const next = fixture.transport.watch(plan, patience());
      for await (const sighting of next) {
        assert.equal(sighting.type, "running");
        break;
      }
    },
  };
}
