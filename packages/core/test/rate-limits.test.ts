// A turn or a start that meets a rate limit is tried again by itself, when its time has come.
import { afterEach, describe, expect, test } from "vitest";
import { createOrchestrator, type Orchestrator, type SessionEvent } from "@waybill/core";
import {
  chat,
  exit,
  fail,
  fakeTracker,
  fakeWorld,
  given,
  operation,
  reply,
  type FakeWorld,
} from "@waybill/core/testing";
import { opened, owned, past, runOf } from "./pasts.ts";

const orchestrators: Orchestrator[] = [];
afterEach(async () => {
  for (const orchestrator of orchestrators.splice(0)) await orchestrator[Symbol.asyncDispose]();
});

async function start(world: FakeWorld): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator(world.ports());
  orchestrators.push(orchestrator);
  return orchestrator;
}

async function eventsOf(world: FakeWorld, type: string): Promise<readonly SessionEvent["data"][]> {
  const found: SessionEvent["data"][] = [];
  for await (const page of world.store.readAll({ types: [type] }))
    for (const { data } of page) found.push(data as unknown as SessionEvent["data"]);
  return found;
}

const limit = (minutes: number) =>
  fail("MODEL_RATE_LIMITED", { class: "rate", resetsIn: { minutes } });

describe("a turn that ends rate-limited", () => {
  test("is parked until the reset, without a run, and goes on by itself", async () => {
    const world = fakeWorld({ coder: [limit(90), reply("after all")] });
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    const asked = session.ask("go");
    await world.advance({ minutes: 89 });
    expect(await session.status()).toBe("parked");
    expect(world.host.live()).toEqual([]);
    const [parked] = await eventsOf(world, "SessionParked");
    expect(parked).toMatchObject({
      reason: "rate_limited",
      failure: { class: "rate", code: "MODEL_RATE_LIMITED" },
    });
    await world.advance({ minutes: 2 });
    expect((await asked).text).toBe("after all");
    expect(await eventsOf(world, "SessionUnparked")).toEqual([{ reason: "due" }]);
    // The transcript holds the message: the model is told to go on, not asked the same again.
    const heard = world.host.brain("coder").heard.map(({ text }) => text);
    expect(heard).toEqual(["go", expect.stringMatching(/^Your previous process ended/)]);
  });

  test("stays parked over a restart of the orchestrator, until the same instant", async () => {
    const world = fakeWorld({ coder: [limit(60), reply("after all")] });
    const first = await createOrchestrator(world.ports());
    await (await first.open({ id: "s", agent: "coder" })).send("go");
    await world.advance({ minutes: 10 });
    world.crash();
    await world.advance({ minutes: 20 });
    const session = (await start(world)).session("s");
    await world.advance({ minutes: 29 });
    expect(await session.status()).toBe("parked");
    await world.advance({ minutes: 3 });
    expect(await session.status()).toBe("idle");
    expect((await session.state()).totals.turns).toBe(2);
  });

  test("has what it had asked for at the board done once, and the next run is told", async () => {
    const { board } = fakeTracker({ chats: ["7"] });
    const world = fakeWorld(
      { coder: [operation(chat("7", "hi")), limit(5), reply("ok")] },
      { tracker: () => fakeTracker({ board }) },
    );
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder", scope: { chats: ["7"] } });
    const asked = session.ask("greet");
    await world.advance({ minutes: 6 });
    expect((await asked).text).toBe("ok");
    expect(board.messages.map(({ content }) => content)).toEqual(["hi"]);
    const [, continuation] = world.host.brain("coder").heard;
    expect(continuation?.text).toMatch(/chat\.send on chat:7.*: done/);
  });

  test("waits longer each time where nobody says when the limit ends", async () => {
    const unknown = fail("MODEL_RATE_LIMITED", { class: "rate" });
    const world = fakeWorld({ coder: [unknown, unknown, unknown, reply("at last")] });
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    const asked = session.ask("go");
    await world.advance({ minutes: 10 });
    expect((await asked).text).toBe("at last");
    const waits: number[] = [];
    for await (const { type, data, recordedAt } of session.events({ until: "idle" }))
      if (type === "SessionParked") waits.push((data.until ?? 0) - recordedAt);
    expect(waits).toHaveLength(3);
    // 60, 120 and 240 seconds, each less up to half.
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(30_000 * 2 ** index);
      expect(wait).toBeLessThanOrEqual(60_000 * 2 ** index);
    }
  });

  test("is tried only so often in a row; then a person has to look", async () => {
    const world = fakeWorld(
      { coder: [limit(1), limit(1), limit(1), reply("thanks")] },
      { policy: { rateLimits: 2 } },
    );
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    const rejected = expect(session.ask("go")).rejects.toMatchObject({
      code: "MODEL_RATE_LIMITED",
    });
    await world.advance({ minutes: 30 });
    await rejected;
    expect((await session.state()).parked).toMatchObject({ reason: "rate_limited", until: null });
    await session.unpark();
    await world.advance({ minutes: 1 });
    expect((await session.state()).messages.size).toBe(0);
  });

  test("that never ends is not believed: the wait has a cap", async () => {
    const world = fakeWorld(
      { coder: [limit(1e9), reply("after all")] },
      { policy: { rateLimitMs: 3_600_000 } },
    );
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    const asked = session.ask("go");
    await world.advance({ minutes: 61 });
    expect((await asked).text).toBe("after all");
  });

  test("holds up closing, which answers the message first", async () => {
    const world = fakeWorld({ coder: [limit(60), reply("after all")] });
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    const asked = session.ask("go");
    await world.advance({ minutes: 1 });
    const closed = session.close();
    await world.advance({ minutes: 62 });
    await closed;
    expect((await asked).text).toBe("after all");
  });

  test("ends with the time for closing where that comes first", async () => {
    const world = fakeWorld({ coder: [limit(60)] }, { policy: { closeMs: 600_000 } });
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    const rejected = expect(session.ask("go")).rejects.toMatchObject({ code: "MESSAGE_DISCARDED" });
    await world.advance({ minutes: 1 });
    const closed = session.close();
    await world.advance({ minutes: 11 });
    await Promise.all([closed, rejected]);
    expect(await session.status()).toBe("closed");
  });
});

describe("a turn that fails for now", () => {
  const busy = fail("MODEL_UNAVAILABLE", { class: "transient" });

  test("is tried again in another run, after a back-off that is seen with its class", async () => {
    const world = fakeWorld({ coder: [busy, busy, reply("after all")] });
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    const asked = session.ask("go");
    await world.advance({ minutes: 1 });
    expect((await asked).text).toBe("after all");
    expect(await eventsOf(world, "RestartScheduled")).toMatchObject([
      { failures: 1, reason: "MODEL_UNAVAILABLE", class: "transient" },
      { failures: 2, reason: "MODEL_UNAVAILABLE", class: "transient" },
    ]);
  });

  test("is tried so often in a row as runs may fail; then the session is parked", async () => {
    const world = fakeWorld({ coder: [busy, busy, busy] }, { policy: { failures: 3 } });
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    const rejected = expect(session.ask("go")).rejects.toMatchObject({ code: "MODEL_UNAVAILABLE" });
    await world.advance({ minutes: 5 });
    await rejected;
    expect((await session.state()).parked?.reason).toBe("crash_loop");
    world.assertScriptsUsed();
  });

  test("for good has its answer: it is not tried again", async () => {
    const world = fakeWorld({ coder: [fail("MODEL_UNAUTHORIZED", { class: "permanent" })] });
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    expect(await session.ask("go")).toMatchObject({
      outcome: "failed",
      error: { code: "MODEL_UNAUTHORIZED", class: "permanent" },
    });
    expect(await session.status()).toBe("idle");
  });
});

const trace = runOf(past.requested());

describe("a start that meets a rate limit", () => {
  const failure = {
    class: "rate",
    code: "ENGINE_BUSY",
    message: "Busy.",
    retryAfterMs: 600_000,
  } as const;

  test("parks the session for that long, so that it holds no place among the runs", () => {
    const failed = given(past.requested())
      .when({
        type: "Failed",
        key: "run-1/start",
        effect: { type: "start", run: trace },
        failure,
      })
      .thenTypes(["RunStartFailed"])
      .when({
        type: "Succeeded",
        effect: { type: "stop", run: trace, graceMs: 1 },
        value: null,
      })
      .thenTypes(["RunStopped", "RunLost"]);
    const after = { seq: 0, offset: 0 };
    const parked = failed
      .when({ type: "Succeeded", effect: { type: "drain", run: trace, after }, value: null })
      .thenTypes(["RunDrained", "SessionParked"]);
    expect(parked.state.parked).toMatchObject({
      reason: "rate_limited",
      failure,
      until: parked.state.now + 600_000,
    });
    const seen = { now: parked.state.now + 600_000, aliveAt: null, caughtUpAt: null };
    const due = parked
      .when({ type: "Tick", seen }, { at: seen.now })
      .thenTypes(["SessionUnparked"]);
    expect(due.pending().map(({ key }) => key)).toContain("admit");
  });
});

describe("an operation that the Tracker limits", () => {
  test("is tried again no earlier than the Tracker said, and its event says why", async () => {
    const { board } = fakeTracker({ chats: ["7"] });
    const tracker = fakeTracker({ board });
    tracker.failNext({ type: "busy", retryAfterMs: 600_000 }, { times: 1 });
    const world = fakeWorld(
      { coder: [operation(chat("7", "hi")), reply("ok")] },
      { tracker: () => tracker },
    );
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder", scope: { chats: ["7"] } });
    await session.send("go");
    await world.advance({ minutes: 9 });
    expect(board.messages).toEqual([]);
    expect(await eventsOf(world, "OperationDeferred")).toMatchObject([
      { failure: { class: "rate", retryAfterMs: 600_000 } },
    ]);
    await world.advance({ minutes: 2 });
    expect(board.messages.map(({ content }) => content)).toEqual(["hi"]);
  });
});

describe("the breaker", () => {
  test("counts crashes also where a rate limit or a restart of the orchestrator lies between", async () => {
    const world = fakeWorld(
      { coder: [exit(1), limit(1), exit(1)] },
      { policy: { failures: 2, stallMs: 60_000 } },
    );
    const first = await createOrchestrator(world.ports());
    await (await first.open({ id: "s", agent: "coder" })).send("go");
    await world.advance({ seconds: 10 });
    world.crash();
    const second = await start(world);
    await second.open({ id: "s", agent: "coder" });
    await world.advance({ minutes: 10 });
    expect((await second.session("s").state()).parked?.reason).toBe("crash_loop");
    world.assertScriptsUsed();
  });

  test("is not reset by opening the session again, as a service does at each of its own restarts", async () => {
    const world = fakeWorld({ coder: [exit(1), exit(1)] }, { policy: { failures: 2 } });
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    await session.send("go");
    await world.advance({ minutes: 1 });
    await orchestrator.open({ id: "s", agent: "coder" });
    await world.advance({ minutes: 10 });
    expect((await session.state()).parked?.reason).toBe("crash_loop");
    expect((await session.state()).totals.runs).toBe(2);
  });

  test("tries a start that failed for good once more for each opening, and counts on", () => {
    const missing = { class: "permanent", code: "IMAGE_MISSING", message: "No image." } as const;
    const parked = { reason: "start_failed", failure: missing, until: null } as const;
    const crashed = { dueAt: 0, failures: 3, reason: "RUN_CRASHED", class: "transient" } as const;
    const { data } = opened() as Extract<SessionEvent, { type: "SessionOpened" }>;
    const again = given([
      opened(),
      owned(),
      { type: "RestartScheduled", data: crashed },
      { type: "SessionParked", data: parked },
    ])
      .when({ type: "OpenSession", ...data })
      .then([{ type: "SessionUnparked", data: { reason: "opened" } }]);
    expect(again.state.restart.failures).toBe(3);
  });

  test("counts a run that says goodbye before it took the message that waits for it", () => {
    const bye = {
      type: "word",
      at: 0,
      mark: { seq: 2, offset: 0 },
      word: { type: "bye" },
    } as const;
    const after = { seq: 2, offset: 0 };
    given(past.ready())
      .when({ type: "Heard", runId: "run-1", words: [bye] })
      .thenTypes(["AgentLeft"])
      .when({
        type: "RunEnded",
        runId: "run-1",
        exit: { exitCode: 0, signal: null, oomKilled: false },
      })
      .thenTypes(["RunExited"])
      .when({ type: "Succeeded", effect: { type: "drain", run: trace, after }, value: null })
      .thenTypes(["RunDrained", "RestartScheduled"]);
  });
});
