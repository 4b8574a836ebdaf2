// What the model and the simulation found: the smallest past that shows it, one test for each.
import { afterEach, describe, expect, test } from "vitest";
import {
  createOrchestrator,
  type Duty,
  type Incoming,
  type MeterReading,
  type Orchestrator,
  type SessionCommand,
  type SessionEvent,
} from "@waybill/core";
import {
  chat,
  fakeTracker,
  fakeWorld,
  given,
  operation,
  reply,
  work,
  type FakeWorld,
} from "@waybill/core/testing";
import { opened, owned, past, runOf } from "./pasts.ts";

const trace = runOf(past.requested());
const exit = { exitCode: 1, signal: null, oomKilled: false };
const keys = (duties: readonly Duty[]): readonly string[] => duties.map(({ key }) => key);

describe("a repeat gives nothing", () => {
  const failure = { class: "transient", code: "BUSY", message: "Busy." } as const;

  test("the same failure of an effect, heard twice, counts once", () => {
    const failed = {
      type: "Failed",
      key: "run-1/start",
      effect: { type: "start", run: trace },
      failure,
    } as const;
    given(past.requested()).when(failed).thenTypes(["EffectDeferred"]).when(failed).thenNothing();
  });

  test("a request for a run whose answer was lost does not ask for a run that is over", () => {
    const admitted = { type: "AdmitRun", runId: "run-1", protocol: 1 } as const;
    given([...past.started(), ...over(), owned2()])
      .when(admitted)
      .thenNothing();
  });

  test("a second hello is refused also where it is only found after the exit", () => {
    const hello = { type: "hello", agent: "a", context: "fresh", holds: [] } as const;
    given([...past.started(), over()[0]!])
      .when({ type: "Heard", runId: "run-1", words: [word(1, hello), word(2, hello)] })
      .thenTypes(["AgentReady", "WordRejected"]);
  });

  test("an overdue close ends the session before it is opened again, not after", () => {
    const closing = given([opened(), owned(), queued()])
      .when({ type: "CloseSession", outcome: "closed" })
      .thenTypes(["CloseRequested"]);
    const at = closing.state.now + closing.state.policy.closeMs;
    const { data } = opened() as Extract<SessionEvent, { type: "SessionOpened" }>;
    closing
      .when({ type: "OpenSession", ...data }, { at })
      .thenTypes(["CloseExpired", "MessageDiscarded", "SessionClosed", "SessionReopened"]);
  });
});

describe("an erased session", () => {
  const refused = (seq: number): MeterReading => ({
    type: "refused",
    mark: { ledger: "books", seq },
    runId: "run-1",
    at: 0,
    model: "m",
    reason: "path-not-allowed",
    count: 1,
  });
  const metered = (...readings: readonly MeterReading[]): SessionCommand => ({
    type: "Metered",
    readings,
  });
  const ended = given([...past.started(), ...over(), ...closed()]);
  const erase = { type: "EraseSession", by: "Ada" } as const;
  const done = { type: "Succeeded", effect: { type: "erase" }, value: null } as const;

  test("does not take a gateway's reading, neither one that it had recorded nor a late one", () => {
    const erased = ended
      .when(metered(refused(1)))
      .thenTypes(["GatewayRequestRefused"])
      .when(erase)
      .thenTypes(["ErasureRequested"])
      .when(done)
      .thenTypes(["SessionErased"]);
    expect(erased.state.totals.refusedRequests).toBe(1);
    erased.when(metered(refused(1))).thenNothing();
    erased.when(metered(refused(2))).thenNothing();
  });

  test("defers no run that could not be admitted, nor does one that has ended", () => {
    const failure = { class: "permanent", code: "FAULT", message: "A fault." } as const;
    const failed = { type: "Failed", key: "admit", effect: { type: "admit" }, failure } as const;
    ended.when(failed).thenNothing();
    const erasing = ended.when(erase).thenTypes(["ErasureRequested"]);
    erasing.when(failed).thenNothing();
    erasing.when(done).thenTypes(["SessionErased"]).when(failed).thenNothing();
  });

  test("takes no word to drive again", () => {
    const { operation: request } = perform(1);
    const asks = { runId: "run-1", seq: 3, operation: request, by: "Ada" } as const;
    const redrive = { type: "RedriveWord", ...asks } as const;
    const erasing = ended.when(erase).thenTypes(["ErasureRequested"]);
    erasing.when(redrive).thenRefused("SESSION_ERASED");
    erasing.when(done).thenTypes(["SessionErased"]).when(redrive).thenRefused("SESSION_ERASED");
  });
});

describe("what time brings about comes before the command", () => {
  test("also where it is no deadline: an operation whose time is over ends the session", () => {
    const failure = { class: "transient", code: "DOWN", message: "Down." } as const;
    const closing = given([
      ...past.accepted(),
      ...asked(),
      {
        type: "OperationDeferred",
        data: { operationId: "s-1/run-1/3", attempt: 1, dueAt: 0, failure },
      },
      { type: "CloseRequested", data: { through: 0, outcome: "stopped", until: 9e15 } },
      ...over(),
      { type: "RunRemoved", data: { runId: "run-1" } },
      { type: "MessageDiscarded", data: { messageId: "m1", reason: "stopped" } },
    ]);
    const at = closing.state.now + closing.state.policy.operationMs + 1;
    const { data } = opened() as Extract<SessionEvent, { type: "SessionOpened" }>;
    closing
      .when({ type: "OpenSession", ...data }, { at })
      .thenTypes(["OperationAbandoned", "SessionClosed", "SessionReopened"]);
  });
});

describe("what may have been done is never called undone", () => {
  const refused = { class: "permanent", code: "TRACKER_UNAUTHORIZED", message: "No." } as const;
  const down = { class: "transient", code: "TRACKER_UNAVAILABLE", message: "Down." } as const;

  test("an operation whose caller died is not rejected because the next call was refused", () => {
    given([...past.accepted(), ...asked(), owned2()])
      .when({ type: "Tick", seen: { now: 0, aliveAt: null, caughtUpAt: null } })
      .thenTypes(["OperationAttempted"])
      .when({
        type: "Failed",
        key: "op:s-1/run-1/3/perform:2",
        effect: perform(2),
        failure: refused,
      })
      .thenTypes(["OperationInDoubt"]);
  });

  test("an operation whose caller died is given up as one that may have been done", () => {
    const failed = given([...past.accepted(), ...asked(), owned2()])
      .when({ type: "Tick", seen: { now: 0, aliveAt: null, caughtUpAt: null } })
      .thenTypes(["OperationAttempted"])
      .when({ type: "Failed", key: "op:s-1/run-1/3/perform:2", effect: perform(2), failure: down })
      .thenTypes(["OperationDeferred"]);
    const at = failed.state.now + failed.state.policy.operationMs + 1;
    const seen = { now: at, aliveAt: null, caughtUpAt: null };
    const given_up = failed.when({ type: "Tick", seen }, { at }).thenTypes(["OperationAbandoned"]);
    expect(given_up.state.deadLetters.get("s-1/run-1/3")?.maybeDelivered).toBe(true);
  });

  test("a look-up that finds nothing proves nothing while the call may still arrive", () => {
    const doubted = given([...past.accepted(), ...asked(), ownedWithoutKeys()])
      .when({ type: "Tick", seen: { now: 0, aliveAt: null, caughtUpAt: null } })
      .thenTypes(["OperationInDoubt"]);
    const notFound = (attempt: number): SessionCommand => ({
      type: "Succeeded",
      effect: { ...perform(attempt), type: "lookup" },
      value: null,
    });
    const early = doubted.when(notFound(2)).thenTypes(["OperationInDoubt"]);
    const { at } = early.state.outbox.get("chat:7")?.[0] ?? {};
    const provenAt = doubted.state.now + doubted.state.policy.doubtMs;
    expect(at).toMatchObject({ type: "in_doubt", dueAt: provenAt });
    early
      .when(notFound(3), { at: provenAt })
      .thenTypes(["OperationDeferred", "OperationAttempted"]);
  });

  test("an old look-up's answer says nothing about a later call", () => {
    const attempts: SessionEvent[] = [2, 4].flatMap((attempt) => [
      {
        type: "OperationInDoubt",
        data: { operationId: "s-1/run-1/3", attempt, dueAt: 0, failure: down },
      },
      {
        type: "OperationDeferred",
        data: { operationId: "s-1/run-1/3", attempt, dueAt: 0, failure: down },
      },
      {
        type: "OperationAttempted",
        data: { operationId: "s-1/run-1/3", attempt: attempt + 1, epoch: 1 },
      },
    ]);
    const doubt = attempts.slice(0, -2); // in doubt again, at the fourth attempt
    const lookup = { ...perform(2), type: "lookup" } as const;
    given([...past.accepted(), ...asked(), ...doubt])
      .when({ type: "Succeeded", effect: lookup, value: null })
      .thenNothing();
  });
});

describe("an operation that was given up", () => {
  const failure = { class: "permanent", code: "OPERATION_EXPIRED", message: "Given up." } as const;
  const abandoned: SessionEvent = {
    type: "OperationAbandoned",
    data: { operationId: "s-1/run-1/3", failure, maybeDelivered: false },
  };

  test("is not told to the agent as given up once it is driven again", () => {
    const driven = given([...past.accepted(), ...asked(), abandoned])
      .when({ type: "RedriveOperation", operationId: "s-1/run-1/3" })
      .thenTypes(["OperationRedriven", "OperationAttempted"]);
    expect(keys(driven.pending()).filter((key) => key.includes("answer"))).toEqual([]);
  });

  test("is not driven again in a session that has ended, where nobody would do it", () => {
    given([
      ...past.accepted(),
      ...asked(),
      abandoned,
      { type: "CloseRequested", data: { through: 1, outcome: "stopped", until: 9e15 } },
      ...over(),
      { type: "RunRemoved", data: { runId: "run-1" } },
      { type: "MessageDiscarded", data: { messageId: "m1", reason: "stopped" } },
      { type: "SessionClosed", data: { outcome: "stopped" } },
    ])
      .when({ type: "RedriveOperation", operationId: "s-1/run-1/3" })
      .thenRefused("SESSION_ENDED");
  });
});

describe("a run", () => {
  test("that ended before its start was recorded crashed: nobody has to mend anything", () => {
    const ended = { class: "permanent", code: "RUN_ENDED", message: "It has ended." } as const;
    const failed = given(past.requested())
      .when({
        type: "Failed",
        key: "run-1/start",
        effect: { type: "start", run: trace },
        failure: ended,
      })
      .thenTypes(["RunStartFailed"]);
    const effect = { type: "stop", run: trace, graceMs: 10_000 } as const;
    const drain = { type: "drain", run: trace, after: { seq: 0, offset: 0 } } as const;
    failed
      .when({ type: "Succeeded", effect, value: exit })
      .thenTypes(["RunStopped", "RunExited"])
      .when({ type: "Succeeded", effect: drain, value: null })
      .thenTypes(["RunDrained", "RestartScheduled"]);
  });
});

describe("who was taken over and does not know it", () => {
  const scope = { chats: ["7"] };

  test("does not tell the mailbox to forget what it could not record", async () => {
    const { board } = fakeTracker({ chats: ["7"] });
    const script = [work({ seconds: 10 }), operation(chat("7", "hi")), reply("ok")];
    const world = fakeWorld({ coder: script }, { tracker: () => fakeTracker({ board }) });
    const session = await (await start(world)).open({ id: "s", agent: "coder", scope });
    await session.send("go");
    await world.clock.settle();
    const first = world.freeze();
    await start(world);
    await world.advance({ seconds: 1 });
    world.crash(); // the second, which has taken over, and hears nothing of what follows
    await world.advance({ seconds: 10 });
    first.wake();
    await world.advance({ seconds: 1 });
    await start(world);
    await world.advance({ minutes: 5 });
    expect(board.messages.map(({ content }) => content)).toEqual(["hi"]);
  });

  test("does not tell the mailbox so either where the store is the first to tell it", async () => {
    const { board } = fakeTracker({ chats: ["7"] });
    const script = [work({ seconds: 10 }), operation(chat("7", "hi")), reply("ok")];
    const world = fakeWorld(
      { coder: script },
      {
        tracker: () => fakeTracker({ board }),
        weather: (point) => (/subscribe|renew/.test(point) ? { thereMs: 600_000 } : null),
      },
    );
    const session = await (await start(world)).open({ id: "s", agent: "coder", scope });
    await session.send("go");
    await world.clock.settle();
    const first = world.freeze();
    await start(world);
    await world.advance({ seconds: 1 });
    world.crash(); // the second, which has taken over, and hears nothing of what follows
    await world.advance({ seconds: 10 });
    first.wake();
    await world.advance({ seconds: 1 });
    await start(world);
    await world.advance({ minutes: 5 });
    expect(board.messages.map(({ content }) => content)).toEqual(["hi"]);
  });

  test("records no outcome any more, also where it comes long after", async () => {
    let puts = 0;
    const slowAndVain = { thereMs: 30_000, fails: "before" } as const;
    const world = fakeWorld(
      { coder: [work({ minutes: 1 }), reply("ok")] },
      { weather: (point) => (point === "mailbox.put" && (puts += 1) === 1 ? slowAndVain : null) },
    );
    const session = await (await start(world)).open({ id: "s", agent: "coder", scope });
    await session.send("go");
    await world.advance({ seconds: 1 });
    await start(world);
    await world.advance({ minutes: 5 });
    expect(await typesOf(world)).not.toContain("EffectDeferred");
  });

  test("does not take the other's live run for an orphan", async () => {
    const world = fakeWorld({ coder: [work({ minutes: 30 }), reply("ok")] });
    await (await start(world)).open({ id: "s", agent: "coder" });
    const second = await start(world);
    await second.session("s").send("go");
    await world.advance({ minutes: 6 });
    expect(await typesOf(world)).not.toContain("RunExited");
  });

  test("nor where it has heard nothing of the takeover when it looks for orphans", async () => {
    const world = fakeWorld(
      { coder: [work({ minutes: 30 }), reply("ok")] },
      { weather: (at) => (/subscribe|renew/.test(at) ? { thereMs: 3_600_000 } : null) },
    );
    await (await start(world)).open({ id: "s", agent: "coder" });
    const second = await start(world);
    await second.session("s").send("go");
    await world.advance({ minutes: 6 });
    expect(world.host.live()).toHaveLength(1);
    expect(await typesOf(world)).not.toContain("RunExited");
  });
});

describe("an orchestrator whose store fails for a moment while it takes a session over", () => {
  test("takes it over all the same", async () => {
    let appends = 0;
    const world = fakeWorld(
      { coder: [reply("ok")] },
      {
        weather: (point) =>
          point === "store.append" && (appends += 1) === 2 ? { fails: "before" } : null,
      },
    );
    const orchestrator = await start(world);
    const opening = orchestrator.open({ id: "s", agent: "coder" });
    await world.advance({ seconds: 30 });
    const session = await opening;
    const sent = session.send("go");
    await world.advance({ minutes: 10 });
    await sent;
    expect((await session.state()).messages.size).toBe(0);
  });
});

describe("an effect that failed", () => {
  test("is tried again also where recording the failure took longer than the wait", async () => {
    let starts = 0;
    const failing = { fails: "before" } as const;
    const world = fakeWorld(
      { coder: [reply("ok")] },
      {
        weather(point) {
          if (point === "transport.start" && (starts += 1) === 1) return failing;
          return point === "store.append" && starts === 1 ? { backMs: 5_000 } : null;
        },
      },
    );
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    await session.send("go");
    await world.advance({ minutes: 10 });
    expect((await session.state()).messages.size).toBe(0);
  });
});

const orchestrators: Orchestrator[] = [];
afterEach(async () => {
  for (const orchestrator of orchestrators.splice(0)) void orchestrator[Symbol.asyncDispose]();
});

async function start(world: FakeWorld): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator(world.ports());
  orchestrators.push(orchestrator);
  return orchestrator;
}

async function typesOf(world: FakeWorld): Promise<readonly string[]> {
  const types: string[] = [];
  for await (const page of world.store.read("s")) types.push(...page.map(({ type }) => type));
  return types;
}

type Word = Extract<Incoming, { type: "word" }>;

function word(seq: number, said: Word["word"]): Word {
  return { type: "word", mark: { seq, offset: 0 }, at: 0, word: said };
}

function queued(): SessionEvent {
  return { type: "MessageQueued", data: { messageId: "m1", position: 1, text: "go", from: null } };
}

function ownedWithoutKeys(): SessionEvent {
  return { type: "SessionOwned", data: { owner: "two", epoch: 2, trackerKeys: false } };
}

function owned2(): SessionEvent {
  return { type: "SessionOwned", data: { owner: "two", epoch: 2, trackerKeys: true } };
}

function perform(attempt: number) {
  const request = { type: "chat.send", chat: "7", content: "hi" } as const;
  return {
    type: "perform",
    operationId: "s-1/run-1/3",
    attempt,
    target: "chat:7",
    operation: request,
  } as const;
}

function asked(): SessionEvent[] {
  const { operationId, operation: request } = perform(1);
  const mark = { seq: 3, offset: 0 };
  return [
    {
      type: "OperationRequested",
      data: { operationId, runId: "run-1", operation: request, approvalUntil: null, mark },
    },
    { type: "OperationAttempted", data: { operationId, attempt: 1, epoch: 1 } },
  ];
}

function over(): SessionEvent[] {
  return [
    { type: "RunExited", data: { runId: "run-1", ...exit, detail: null } },
    { type: "RunDrained", data: { runId: "run-1", mark: { seq: 9, offset: 0 } } },
  ];
}

function closed(): SessionEvent[] {
  return [
    { type: "CloseRequested", data: { through: 0, outcome: "stopped", until: 9e15 } },
    { type: "RunRemoved", data: { runId: "run-1" } },
    { type: "MessageDiscarded", data: { messageId: "m1", reason: "stopped" } },
    { type: "SessionClosed", data: { outcome: "stopped" } },
  ];
}
