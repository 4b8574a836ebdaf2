// Clauses of a session's life that no other file shows, one test for each.
import { afterEach, describe, expect, test } from "vitest";
import { createOrchestrator, type Orchestrator, type OrchestratorOptions } from "@waybill/core";
import { exit, fakeWorld, given, hang, reply, type FakeWorld } from "@waybill/core/testing";
import { past, runOf } from "./pasts.ts";

const orchestrators: Orchestrator[] = [];
afterEach(async () => {
  for (const orchestrator of orchestrators.splice(0)) await orchestrator[Symbol.asyncDispose]();
});

async function start(
  world: FakeWorld,
  more: Partial<OrchestratorOptions> = {},
): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({ ...world.ports(), ...more });
  orchestrators.push(orchestrator);
  return orchestrator;
}

const trace = runOf(past.requested());

describe("a session that is closing", () => {
  test("refuses a message with a code, and answers what came before", async () => {
    const world = fakeWorld({ coder: [hang()] });
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    await session.send("first");
    await world.clock.settle();
    const closed = session.close();
    await world.clock.settle();
    await expect(session.send("late")).rejects.toMatchObject({ code: "SESSION_CLOSING" });
    await session.interrupt();
    await world.clock.settle();
    await closed;
    expect(await session.status()).toBe("closed");
  });

  test("has not ended before what is left of its run is removed", () => {
    const exited = { exitCode: 0, signal: null, oomKilled: false };
    const after = { seq: 9, offset: 0 };
    given(past.ended())
      .when({ type: "CloseSession", outcome: "closed" })
      .thenTypes(["CloseRequested", "RunStopRequested"])
      .when({ type: "RunEnded", runId: "run-1", exit: exited })
      .thenTypes(["RunExited"])
      .when({ type: "Succeeded", effect: { type: "drain", run: trace, after }, value: null })
      .thenTypes(["RunDrained"])
      .when({ type: "Succeeded", effect: { type: "remove", run: trace }, value: null })
      .thenTypes(["RunRemoved", "SessionClosed"]);
  });
});

describe("a conversation that cannot be resumed", () => {
  test("is recorded as a fresh start, and the message is answered there, once", async () => {
    const world = fakeWorld({ coder: [exit(137, { forgets: true }), reply("afresh")] });
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    const asked = session.ask("go");
    await world.advance({ seconds: 30 });
    expect((await asked).text).toBe("afresh");
    const restored: unknown[] = [];
    for await (const event of session.events({ until: "idle" }))
      if (event.type === "ContextRestored") restored.push(event.data.from);
    expect(restored).toEqual(["none"]);
    expect((await session.state()).totals.runs).toBe(2);
    expect((await session.state()).conversation.begun).toBe(true);
  });
});

describe("places for runs", () => {
  test("are given by priority: who waits with a higher one goes first", async () => {
    const world = fakeWorld({ coder: [reply("1"), reply("2"), reply("3")] });
    const orchestrator = await start(world, { limits: { runs: 1 } });
    const order: string[] = [];
    orchestrator.on("RunStarted", ({ stream }) => void order.push(stream));
    for (const [id, priority] of [
      ["first", 0],
      ["low", 1],
      ["high", 5],
    ] as const) {
      const session = await orchestrator.open({ id, agent: "coder", priority });
      await session.send("go");
      await world.clock.settle();
    }
    await world.advance({ minutes: 20 });
    expect(order).toEqual(["first", "high", "low"]);
  });

  test("are limited for an agent, while another agent's sessions go on", async () => {
    const replies = Array.from({ length: 3 }, () => reply("ok"));
    const world = fakeWorld({ coder: replies, writer: replies });
    const orchestrator = await start(world, { limits: { runsPerAgent: { coder: 1 } } });
    let most = 0;
    orchestrator.on("RunStarted", () => {
      const coders = world.host.live().filter(({ spec }) => spec.agent.slug === "coder");
      most = Math.max(most, coders.length);
    });
    const open = (id: string, agent: string) => orchestrator.open({ id, agent });
    for (const id of ["a", "b", "c"]) await (await open(id, "coder")).send("go");
    for (const id of ["x", "y", "z"]) await (await open(id, "writer")).send("go");
    await world.clock.settle();
    expect(
      world.host
        .live()
        .map(({ spec }) => spec.agent.slug)
        .toSorted(),
    ).toEqual(["coder", "writer", "writer", "writer"]);
    await world.advance({ minutes: 30 });
    expect(most).toBe(1);
    const states = await Promise.all(["a", "b", "c"].map((id) => orchestrator.session(id).state()));
    expect(states.map(({ messages }) => messages.size)).toEqual([0, 0, 0]);
  });
});

describe("the breaker", () => {
  test("counts a run that took no message, so that idle stops and restarts come to an end", () => {
    const exited = { exitCode: null, signal: "SIGKILL", oomKilled: false };
    const after = { seq: 1, offset: 0 };
    const stopped = given([
      ...past.ready(),
      {
        type: "RunStopRequested",
        data: { runId: "run-1", reason: "unresponsive", mode: "kill", until: null },
      },
    ])
      .when({ type: "RunEnded", runId: "run-1", exit: exited })
      .thenTypes(["RunExited"])
      .when({ type: "Succeeded", effect: { type: "drain", run: trace, after }, value: null })
      .thenTypes(["RunDrained", "RestartScheduled"]);
    expect(stopped.state.restart.failures).toBe(1);
  });
});
