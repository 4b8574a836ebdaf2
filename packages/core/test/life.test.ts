import { afterEach, describe, expect, test } from "vitest";
import { createOrchestrator, statusOf, unopened, type Orchestrator } from "@waybill/core";
import { chat, exit, fakeWorld, hang, operation, reply } from "@waybill/core/testing";
import { recordingTracker } from "./recording-tracker.ts";

const orchestrators: Orchestrator[] = [];
afterEach(async () => {
  for (const orchestrator of orchestrators.splice(0)) await orchestrator[Symbol.asyncDispose]();
});

async function start(world: ReturnType<typeof fakeWorld>): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator(world.ports());
  orchestrators.push(orchestrator);
  return orchestrator;
}

describe("a session", () => {
  test("answers what it is asked", async () => {
    const world = fakeWorld({ coder: [reply("done", { costUsd: 0.5 })] });
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "task-42", agent: "coder" });
    const turn = await session.ask("write the tests");
    expect(turn).toMatchObject({ outcome: "completed", text: "done", costUsd: 0.5 });
    expect(await session.status()).toBe("idle");
    world.assertScriptsUsed();
  });

  test("that nobody opened is unopened, in a word", () => {
    expect(statusOf(unopened("s"))).toBe("unopened");
  });

  test("tells its whole story, then what happens", async () => {
    const world = fakeWorld({ coder: [reply("one")] });
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    await session.send("go");
    const types: string[] = [];
    for await (const event of session.events({ until: "idle" })) types.push(event.type);
    expect(types).toEqual([
      "SessionOpened",
      "SessionOwned",
      "MessageQueued",
      "RunRequested",
      "RunStarted",
      "AgentReady",
      "MessageDelivered",
      "TurnStarted",
      "MessageAccepted",
      "TurnEnded",
    ]);
  });

  test("closes only after everything that was sent is answered", async () => {
    const world = fakeWorld({ coder: [reply("one"), reply("two")] });
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    await session.send("first");
    await session.close();
    expect(await session.status()).toBe("closed");
    await expect(session.send("late")).rejects.toMatchObject({ code: "SESSION_ENDED" });
    expect(world.host.live()).toEqual([]);
  });

  test("goes on after it was closed, in the same conversation and a new run", async () => {
    const world = fakeWorld({ coder: [reply("one"), reply("two")] });
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    await session.ask("first");
    await session.close();
    const again = await orchestrator.open({ id: "s", agent: "coder" });
    expect((await again.ask("second")).text).toBe("two");
    const state = await again.state();
    expect(state.totals.runs).toBe(2);
    expect(world.host.brain("coder").heard.map(({ conversation }) => conversation)).toEqual([
      state.conversation.id,
      state.conversation.id,
    ]);
  });

  test("takes a message once for each key, also long after it was answered", async () => {
    const world = fakeWorld({ coder: [reply("one"), reply("two")] });
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    const first = await session.ask("hello", { idempotencyKey: "k 1" });
    const second = await session.ask("hello", { idempotencyKey: "k 1" });
    expect(second).toEqual(first);
    expect(await session.send("hello", { idempotencyKey: "k 1" })).toMatchObject({
      repeated: true,
    });
    expect(world.host.brain("coder").heard).toHaveLength(1);
  });

  test("stops at once and says which message got no answer", async () => {
    const world = fakeWorld({ coder: [hang()] });
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    const asked = session.ask("never");
    const rejected = expect(asked).rejects.toMatchObject({ code: "MESSAGE_DISCARDED" });
    await world.clock.settle();
    await session.stop();
    await rejected;
    expect(await session.status()).toBe("stopped");
  });

  test("interrupts a turn", async () => {
    const world = fakeWorld({ coder: [hang()] });
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    const asked = session.ask("never");
    await world.clock.settle();
    await session.interrupt();
    expect(await asked).toMatchObject({ outcome: "interrupted" });
  });

  test("does at the board what the agent asks, under its own name", async () => {
    const world = fakeWorld(
      { coder: [operation(chat("7", "hi")), operation(chat("8", "no")), reply("ok")] },
      { tracker: () => recordingTracker() },
    );
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder", scope: { chats: ["7"] } });
    await session.ask("greet");
    const answers = world.host.brain("coder").answers.map(({ status }) => status);
    expect(answers).toEqual(["delivered", "rejected"]);
  });

  test("parks after a row of crashes, and goes on when asked", async () => {
    const world = fakeWorld(
      { coder: [exit(1), exit(1), reply("at last")] },
      { policy: { failures: 2 } },
    );
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    const asked = session.ask("try");
    const rejected = expect(asked).rejects.toMatchObject({ code: "RUN_CRASHED" });
    await world.advance({ seconds: 10 });
    await rejected;
    expect(await session.status()).toBe("parked");
    await session.unpark();
    await world.advance({ seconds: 10 });
    expect((await session.state()).messages.size).toBe(0);
  });

  test("ends an idle run, and starts another for the next message", async () => {
    const world = fakeWorld({ coder: [reply("one"), reply("two")] });
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    await session.ask("first");
    await world.advance({ minutes: 6 });
    expect(world.host.live()).toHaveLength(0);
    expect((await session.ask("second")).text).toBe("two");
  });
});

describe("a session whose orchestrator died", () => {
  test("is taken over with its live run, and the turn ends once", async () => {
    const tracker = recordingTracker({ delayed: true });
    const script = [operation(chat("7", "hi")), reply("done")];
    const world = fakeWorld({ coder: script }, { tracker: () => tracker });
    const first = await createOrchestrator(world.ports());
    const session = await first.open({ id: "s", agent: "coder", scope: { chats: ["7"] } });
    await session.send("work", { idempotencyKey: "k" });
    await world.clock.settle();
    expect(world.host.live()).toHaveLength(1);
    world.crash();

    const second = await start(world);
    const adopted = second.session("s");
    await world.advance({ seconds: 5 });
    const types: string[] = [];
    for await (const event of adopted.events({ until: "idle" })) types.push(event.type);
    expect(types.filter((type) => type === "RunAdopted")).toHaveLength(1);
    expect(types.filter((type) => type === "TurnEnded")).toHaveLength(1);
    expect(types.filter((type) => type === "RunRequested")).toHaveLength(1);
  });

  test("continues a message that the transcript holds instead of handing it over again", async () => {
    const world = fakeWorld({ coder: [exit(137), reply("finished")] });
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    const asked = session.ask("work");
    await world.advance({ seconds: 5 });
    expect((await asked).text).toBe("finished");
    const heard = world.host.brain("coder").heard.map(({ text }) => text);
    expect(heard[0]).toBe("work");
    expect(heard[1]).toMatch(/^Your previous process ended/);
    expect(heard).toHaveLength(2);
  });

  test("hands a message over again where the transcript does not hold it", async () => {
    const world = fakeWorld({ coder: [exit(137), reply("finished")] });
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    const asked = session.ask("work");
    await world.clock.settle();
    world.host.brain("coder").forget();
    await world.advance({ seconds: 5 });
    expect((await asked).text).toBe("finished");
    expect(world.host.brain("coder").heard.map(({ text }) => text)).toEqual(["work"]);
  });

  test("is not killed by deadlines that passed while nobody was there", async () => {
    const world = fakeWorld({ coder: [hang()] });
    const first = await createOrchestrator(world.ports());
    const session = await first.open({ id: "s", agent: "coder" });
    await session.send("long work");
    await world.clock.settle();
    world.crash();
    await world.advance({ minutes: 120 });
    const second = await start(world);
    await world.advance({ minutes: 1 });
    expect((await second.session("s").state()).run?.stop).toBeNull();
    expect(world.host.live()).toHaveLength(1);
  });
});

describe("an orchestrator", () => {
  test("shuts down with its runs and leaves the sessions open", async () => {
    const world = fakeWorld({ coder: [reply("one")] });
    const orchestrator = await createOrchestrator(world.ports());
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    await session.ask("first");
    await orchestrator.shutdown();
    expect(world.host.live()).toEqual([]);
    const next = await start(world);
    expect(await next.list()).toEqual([{ id: "s", agent: "coder", status: "idle" }]);
  });

  test("refuses a slug that is none, naming it", async () => {
    const world = fakeWorld({ "Bad Slug": [] });
    await expect(createOrchestrator(world.ports())).rejects.toMatchObject({ code: "BAD_SLUG" });
  });

  test("stops and removes a run that belongs to no session", async () => {
    const world = fakeWorld({ coder: [reply("x")] });
    const host = world.host;
    const plan = await host.mailbox().prepare({
      owner: world.store.id,
      sessionId: "gone",
      runId: "run-x",
      epoch: 1,
      protocol: 1,
      agent: { slug: "coder", name: "c" },
      conversation: { id: "c", resume: false },
      unsettled: [],
      prompt: null,
      config: {},
      runsAs: "host",
    });
    await host.transport().start(plan);
    expect(host.live()).toHaveLength(1);
    await start(world);
    await world.clock.settle();
    expect(host.live()).toHaveLength(0);
  });
});
