import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { linuxProcesses } from "../src/linux-processes.ts";
import { processFixture, taggedPids } from "./process-fixture.ts";
import { ended, ready, recordOf, until } from "./until.ts";

const table = linuxProcesses();

describe("what a run leaves behind", () => {
  test("a descendant that outlives its agent is killed, and the agent's own code stands", async () => {
    await using fixture = await processFixture({
      command: [
        "sh",
        "-c",
        "(setsid sleep 60 &); (setsid sh -c 'trap \"\" TERM; sleep 60' &); exit 5",
      ],
    });
    const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
    await fixture.transport.start(plan);
    assert.equal((await ended(fixture.transport, plan)).exitCode, 5);
    assert.deepEqual(taggedPids(plan.runId), []);
  });

  test("stop() finds descendants with sessions of their own and with a cleared environment", async () => {
    const mark = `77.${Math.floor(Math.random() * 1e6)}`;
    // An orphan in the session of a parent that is known; nothing else tells of it.
    const orphan = `(sleep ${mark} & )`;
    const nest = `setsid env -i sh -c '${orphan}; setsid sh -c "trap : TERM; ${orphan}; sleep ${mark}" & wait'`;
    await using fixture = await processFixture({
      command: ["sh", "-c", `trap '' TERM; echo ready; ${nest} & ${nest} & wait`],
    });
    const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
    await fixture.transport.start(plan);
    await ready(plan);
    await until("the family", () => sleepers(mark).length === 6);
    await fixture.transport.stop(plan, 100);
    assert.deepEqual(sleepers(mark), []);
  });

  test("stop() loses no child to a program that starts orphans as fast as it can", async () => {
    const mark = `3.${Math.floor(Math.random() * 1e6)}`;
    const restless = `trap "" TERM; while :; do (sleep ${mark} & ); done`;
    await using fixture = await processFixture({
      command: ["sh", "-c", `echo ready; exec env -i sh -c '${restless}'`],
    });
    const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
    await fixture.transport.start(plan);
    await until("some orphans", () => sleepers(mark).length > 50);
    await fixture.transport.stop(plan, 50);
    assert.deepEqual(sleepers(mark), []);
  });

  test("a record of its exit stays after remove(), and is always the same", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "exit", code: 9 } });
    await fixture.transport.start(plan);
    const exit = await ended(fixture.transport, plan);
    await fixture.transport.remove(plan);
    assert.deepEqual(await ended(await fixture.another(), plan), exit);
    assert.equal((await recordOf(plan, "exit.json"))["exitCode"], 9);
  });
});

/** The pids of the living `sleep` processes with this duration. */
function sleepers(mark: string): number[] {
  return table
    .all()
    .filter((entry) => entry.alive && table.argumentsOf(entry.pid).join(" ") === `sleep ${mark}`)
    .map((entry) => entry.pid);
}
