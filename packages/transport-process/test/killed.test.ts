import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { RunPlan, RunSighting, Transport } from "@waybill/core";
import { describe, test } from "vitest";
import { linuxProcesses } from "../src/linux-processes.ts";
import { orchestrator, told } from "./orchestrator.ts";
import { processFixture, taggedPids } from "./process-fixture.ts";
import { ended, pidsOf, ready, startsOf, until } from "./until.ts";

/** How often chance is tried. */
const trials = process.env["WAYBILL_LONG"] === "1" ? 40 : 5;

/** For that many trials on a machine that is busy with other things. */
const patient = { timeout: 240_000 };
const table = linuxProcesses();
const lives = (pid: number): boolean => table.find(pid)?.alive === true;

/** Collects what a watch tells, without waiting for its end. */
function follow(transport: Transport, plan: RunPlan): RunSighting[] {
  const sightings: RunSighting[] = [];
  void (async () => {
    for await (const one of transport.watch(plan, AbortSignal.timeout(30_000))) sightings.push(one);
  })();
  return sightings;
}

describe("when the launcher is killed", () => {
  test("the agent counts as the run, and its end has no exit code", async () => {
    await using fixture = await processFixture({ pollMs: 200 });
    const plan = await fixture.plan({ program: { do: "exit_on_term" } });
    const started = await fixture.transport.start(plan);
    await ready(plan);
    const { launcher, agent } = await pidsOf(plan);
    assert.equal(started.handle, String(agent));
    process.kill(launcher, "SIGKILL");
    await until("the launcher's end", () => !lives(launcher));

    const sightings = follow(await fixture.another(), plan);
    await until("running", () => sightings.length === 1);
    await pause(600);
    assert.deepEqual(sightings, [{ type: "running" }]);
    assert.deepEqual(await fixture.transport.start(plan), { ...started, already: true });

    process.kill(agent, "SIGTERM");
    const exit = await ended(fixture.transport, plan);
    assert.deepEqual([exit.exitCode, exit.signal], [null, null]);
    assert.match(exit.detail ?? "", new RegExp(`Nobody saw how the agent \\(pid ${agent}\\)`, "u"));
    await until("the end", () => sightings.length === 2);
    assert.deepEqual(sightings[1], { type: "exited", exit });
  });

  test("stop() asks the agent itself, and kills it with its descendants", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "leave_descendant" } });
    await fixture.transport.start(plan);
    await ready(plan);
    const { launcher } = await pidsOf(plan);
    process.kill(launcher, "SIGKILL");
    const before = performance.now();
    const exit = await fixture.transport.stop(plan, 30_000);
    assert.ok(performance.now() - before < 15_000, "the agent was never asked");
    assert.deepEqual([exit?.exitCode, exit?.signal], [null, null]);
    assert.deepEqual(taggedPids(plan.runId), []);
    assert.deepEqual(await fixture.transport.stop(plan, 0), exit);
  });

  test("list() still finds the run", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "exit_on_term" } });
    await fixture.transport.start(plan);
    await ready(plan);
    process.kill((await pidsOf(plan)).launcher, "SIGKILL");
    const listed = await (await fixture.another()).list(plan.owner);
    assert.deepEqual(
      listed.map((run) => run.runId),
      [plan.runId],
    );
  });

  test("at any instant, the agent runs recorded or not at all", patient, async () => {
    await using fixture = await processFixture({ pollMs: 200 });
    for (let trial = 0; trial < trials; trial += 1) {
      const plan = await fixture.plan({ program: { do: "exit_on_term" } });
      const starting = fixture.transport.start(plan).catch((error: unknown) => error);
      const launcher = await until("a launcher", () => launcherOf(plan));
      await pause(Math.random() * 120);
      process.kill(launcher, "SIGKILL");
      await starting;
      await pause(50);
      // Whoever comes next adopts what is recorded; the run id is never executed a second time.
      await fixture.transport.start(plan);
      await fixture.transport.stop(plan, 2_000);
      assert.ok((await startsOf(plan)) <= 1, `trial ${trial}: it was executed twice`);
      assert.deepEqual(taggedPids(plan.runId), [], `trial ${trial}: something is left`);
    }
  });

  test("a launcher that hangs does not keep stop() from ending the run", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "exit_on_term" } });
    await fixture.transport.start(plan);
    await ready(plan);
    const { launcher, agent } = await pidsOf(plan);
    process.kill(launcher, "SIGSTOP");
    const exit = await fixture.transport.stop(plan, 300);
    assert.deepEqual([exit?.exitCode, exit?.signal], [null, "SIGKILL"]);
    assert.deepEqual([lives(launcher), lives(agent)], [false, false]);
  });
});

describe("when the agent is killed", () => {
  test("the run ends with the signal and no exit code", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "exit_on_term" } });
    await fixture.transport.start(plan);
    await ready(plan);
    process.kill((await pidsOf(plan)).agent, "SIGKILL");
    const exit = await ended(fixture.transport, plan);
    assert.deepEqual(exit, { exitCode: null, signal: "SIGKILL", oomKilled: false });
  });

  test("what it had started ends with it", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "leave_descendant" } });
    await fixture.transport.start(plan);
    await ready(plan);
    assert.ok(taggedPids(plan.runId).length > 1);
    process.kill((await pidsOf(plan)).agent, "SIGKILL");
    await ended(fixture.transport, plan);
    assert.deepEqual(taggedPids(plan.runId), []);
  });

  test("a zombie is dead", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "exit_on_term" } });
    await fixture.transport.start(plan);
    await ready(plan);
    const { launcher, agent } = await pidsOf(plan);
    process.kill(launcher, "SIGSTOP");
    process.kill(agent, "SIGKILL");
    await until("the agent's death", () => !lives(agent));
    assert.ok(table.find(agent) !== null, "its parent should not have reaped it");
    process.kill(launcher, "SIGKILL");
    assert.equal((await ended(fixture.transport, plan)).exitCode, null);
  });
});

describe("when the orchestrator is killed", () => {
  test("the run lives on, and a second process adopts it and sees it end", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "exit_on_term" } });
    const first = orchestrator(plan, { acts: ["start", "stay"] });
    await ready(plan);
    first.kill("SIGKILL");
    assert.equal((await first).signal, "SIGKILL");
    const { agent } = await pidsOf(plan);
    assert.ok(lives(agent));

    const second = orchestrator(plan, { acts: ["start", "watch"] });
    let said = "";
    second.stdout.on("data", (text: unknown) => void (said += String(text)));
    await until("the adoption", () => said.includes("running"));
    await fixture.transport.stop(plan, 5_000);
    const words = told(await second);
    const host = (await fixture.transport.check()).host;
    assert.deepEqual(words, [
      "here",
      { host, handle: String(agent), already: true },
      { type: "running" },
      { type: "exited", exit: { exitCode: 0, signal: null, oomKilled: false } },
    ]);
    assert.equal(await startsOf(plan), 1);
  });

  test(
    `at a random instant of start(), the next start makes exactly one run, ${trials} times of ${trials}`,
    patient,
    async () => {
      await using fixture = await processFixture();
      for (let trial = 0; trial < trials; trial += 1) {
        const plan = await fixture.plan({ program: { do: "exit_on_term" } });
        const victim = orchestrator(plan, { acts: ["start", "stay"] });
        await victim.iterable()[Symbol.asyncIterator]().next();
        await pause(Math.random() * 150);
        victim.kill("SIGKILL");
        await victim;
        await fixture.transport.start(plan);
        await ready(plan);
        await fixture.transport.stop(plan, 3_000);
        assert.equal(await startsOf(plan), 1, `trial ${trial}`);
      }
    },
  );

  test("an orchestrator that has started a run is free to end", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "exit_on_term" } });
    const short = orchestrator(plan, { acts: ["start"] });
    assert.equal((await short).exitCode, 0);
    assert.ok(lives((await pidsOf(plan)).agent));
  });

  test("starts that race from 8 processes are one run", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "exit_on_term" } });
    const racers = await Promise.all(
      Array.from({ length: 8 }, () => orchestrator(plan, { acts: ["start"] })),
    );
    const words = racers.map((racer) => told(racer)[1] as { already: boolean });
    assert.equal(words.filter((word) => !word.already).length, 1);
    await ready(plan);
    await fixture.transport.stop(plan, 3_000);
    assert.equal(await startsOf(plan), 1);
  });
});

/** The launcher of a plan, by its command line: it may not have recorded itself yet. */
function launcherOf(plan: RunPlan): number | null {
  const found = table.all().find((entry) => {
    const words = table.argumentsOf(entry.pid);
    return entry.alive && words.at(-1) === plan.control && words.at(-2) === plan.runId;
  });
  return found?.pid ?? null;
}
