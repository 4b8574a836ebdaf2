// Each of these ended a simulated prototype; the rule that ended it has its name here.
import { describe, expect, test } from "vitest";
import { createOrchestrator, type Duty, type Incoming, type SessionEvent } from "@waybill/core";
import { fakeWorld, given, hang, type FakeWorld, type Sleeper } from "@waybill/core/testing";
import { opened, owned, past, runOf } from "./pasts.ts";

const keys = (duties: readonly Duty[]): readonly string[] => duties.map(({ key }) => key);
const start = { type: "start", run: runOf(past.requested()) } as const;
const exit = { exitCode: 0, signal: null, oomKilled: false };

describe("a failed start never ends a run", () => {
  const lost = { class: "unknown", code: "TIMEOUT", message: "No answer." } as const;
  const missing = { class: "permanent", code: "IMAGE_MISSING", message: "No image." } as const;

  test("an unknown outcome is tried again under the same run id", () => {
    const after = given(past.requested())
      .when({ type: "Failed", key: "run-1/start", effect: start, failure: lost })
      .thenTypes(["EffectDeferred"]);
    expect(keys(after.pending())).toEqual(["tick"]);
    const later = after.pending({ now: after.state.now + 120_000 });
    expect(keys(later)).toContain("run-1/start");
  });

  test("a hopeless one is stopped and looked for before the session is parked", () => {
    const failed = given(past.requested())
      .when({ type: "Failed", key: "run-1/start", effect: start, failure: missing })
      .thenTypes(["RunStartFailed"]);
    expect(keys(failed.pending())).toEqual(["run-1/stop"]);
    const effect = { type: "stop", run: start.run, graceMs: 10_000 } as const;
    const stopped = failed
      .when({ type: "Succeeded", effect, value: null })
      .thenTypes(["RunStopped", "RunLost"]);
    const drain = { type: "drain", run: start.run, after: { seq: 0, offset: 0 } } as const;
    stopped.when({ type: "Succeeded", effect: drain, value: null }).then([
      { type: "RunDrained", data: { runId: "run-1", mark: { seq: 0, offset: 0 } } },
      { type: "SessionParked", data: { reason: "start_failed", failure: missing, until: null } },
    ]);
  });

  test("its late success changes nothing", () => {
    given(past.requested())
      .when({ type: "Failed", key: "run-1/start", effect: start, failure: missing })
      .thenTypes(["RunStartFailed"])
      .when({ type: "Succeeded", effect: start, value: { host: "h", handle: "c", already: true } })
      .thenNothing();
  });
});

describe("a zombie that was frozen before its start lands", () => {
  test("starts no run that was stopped meanwhile, and the session has one live run", async () => {
    let zombie: Sleeper | undefined;
    let reached = false;
    const world: FakeWorld = fakeWorld(
      { coder: [hang()] },
      {
        leaseMs: 30_000,
        weather(point) {
          if (point !== "transport.start") return null;
          if (zombie !== undefined) return reached ? null : { fails: "before" };
          zombie = world.freeze();
          return null;
        },
      },
    );
    const live = (): readonly string[] => world.host.live().map(({ spec }) => spec.runId);
    const frozen = await createOrchestrator(world.ports());
    await (await frozen.open({ id: "s", agent: "coder" })).send("go");
    await world.advance({ seconds: 1 });

    // Its successor takes the session over, but never reaches the machine before the run is stopped.
    const next = await createOrchestrator(world.ports());
    await world.advance({ seconds: 45 });
    await next.session("s").stop();
    expect(world.host.runs.get("run-1")).toMatchObject({ launched: "never", exit: null });
    reached = true;
    await (await next.open({ id: "s", agent: "coder" })).send("again");
    await world.advance({ seconds: 1 });
    const lives = live();
    expect(lives).toHaveLength(1);
    expect(lives).not.toContain("run-1");

    const before = world.points.length;
    zombie?.wake();
    await world.advance({ seconds: 30 });
    expect(world.points.slice(before), "it heard no success").not.toContain(
      "after transport.start",
    );
    expect(live()).toEqual(lives);
    expect(world.host.twins).toEqual([]);
    await frozen[Symbol.asyncDispose]();
    await next[Symbol.asyncDispose]();
  });
});

describe("gone counts only for a run that was there", () => {
  test("absence before the start has landed changes nothing", () => {
    given(past.requested()).when({ type: "RunAbsent", runId: "run-1" }).thenNothing();
  });

  test("absence of a started run loses it", () => {
    given(past.started()).when({ type: "RunAbsent", runId: "run-1" }).thenTypes(["RunLost"]);
  });

  test("start and stop share a lane, so a stop waits for a start in flight", () => {
    const stopping = given(past.requested())
      .when({ type: "StopRun", reason: "asked" })
      .thenTypes(["RunStopRequested"]);
    expect(keys(stopping.pending())).toEqual(["run-1/stop"]);
  });
});

describe("ownership", () => {
  test("an epoch that is not higher is refused", () => {
    given([...past.requested()])
      .when({ type: "OwnSession", owner: "zombie", epoch: 1, trackerKeys: true })
      .thenRefused("STALE_EPOCH");
  });

  test("the same claim again changes nothing", () => {
    given(past.requested())
      .when({ type: "OwnSession", owner: "one", epoch: 1, trackerKeys: true })
      .thenNothing();
  });

  test("nothing is pending for nobody", () => {
    expect(given([opened()]).pending()).toEqual([]);
  });
});

describe("deadlines live in one place", () => {
  test("a turn that is reported after a request to kill arms nothing again", () => {
    const killed = given(past.ready())
      .when({ type: "StopRun", reason: "asked" })
      .thenTypes(["RunStopRequested"]);
    const late = killed
      .when({
        type: "Heard",
        runId: "run-1",
        words: [word(2, { type: "accepted", turn: "t1", message: "m1" })],
      })
      .thenTypes(["TurnStarted", "MessageDelivered", "MessageAccepted"]);
    const seen = { now: late.state.now, aliveAt: late.state.now, caughtUpAt: late.state.now };
    expect(late.pending(seen).filter(({ key }) => key === "tick")).toEqual([]);
  });

  test("liveness counts from when this process knew what the run had said", () => {
    const { state, pending } = given(past.started());
    const caughtUpAt = state.now + 7_200_000;
    const tick = pending({ now: caughtUpAt, caughtUpAt }).find(({ key }) => key === "tick");
    expect(tick).toEqual({ key: "tick", at: caughtUpAt + state.policy.startMs });
    expect(pending({ now: caughtUpAt }).filter(({ key }) => key === "tick")).toEqual([]);
  });

  test("a run that says no hello in time is killed", () => {
    const { state } = given(past.started());
    const at = state.now + state.policy.startMs;
    given(past.started())
      .when({ type: "Tick", seen: { now: at, aliveAt: null, caughtUpAt: state.now } }, { at })
      .thenTypes(["RunStopRequested"]);
  });

  test("a run that takes no message is unresponsive and not idle", () => {
    const { state } = given(past.ready());
    const at = state.now + state.policy.idleMs;
    const seen = { now: at, aliveAt: at, caughtUpAt: state.now };
    const stopped = given(past.ready())
      .when({ type: "Tick", seen }, { at })
      .thenTypes(["RunStopRequested"]);
    expect(stopped.state.run?.stop).toMatchObject({ reason: "unresponsive", mode: "kill" });
  });

  test("closing that takes too long discards what is not answered, and ends", () => {
    const closing = given([opened(), owned(), queued("m1", 1)])
      .when({ type: "CloseSession", outcome: "closed" })
      .thenTypes(["CloseRequested"]);
    const at = closing.state.now + closing.state.policy.closeMs;
    closing
      .when({ type: "Tick", seen: { now: at, aliveAt: null, caughtUpAt: null } }, { at })
      .thenTypes(["CloseExpired", "MessageDiscarded", "SessionClosed"]);
  });

  test("a command that comes after an overdue deadline is decided after it", () => {
    const closing = given([opened(), owned(), queued("m1", 1)])
      .when({ type: "CloseSession", outcome: "closed" })
      .thenTypes(["CloseRequested"]);
    const at = closing.state.now + closing.state.policy.closeMs + 1;
    closing
      .when({ type: "InterruptTurn" }, { at })
      .thenTypes(["CloseExpired", "MessageDiscarded", "SessionClosed"]);
  });

  test("a wall clock that was set back delays nothing", () => {
    const { state } = given(past.ready());
    const back = given(past.ready()).when({ type: "CloseSession", outcome: "stopped" }, { at: 5 });
    const after = back.thenTypes(["CloseRequested", "RunStopRequested"]);
    expect(after.state.now).toBe(state.now);
  });
});

describe("messages", () => {
  test("each hand-over has a name of its own, which an agent cannot mistake for a repeat", () => {
    const first = keys(given(past.ready()).pending()).filter((key) => key.includes("put"));
    expect(first).toEqual(["run-1/put:m1:1"]);
    const again = given([...past.delivered(), ...over(), ...nextRun([])]);
    expect(keys(again.pending()).filter((key) => key.includes("put"))).toEqual(["run-2/put:m1:2"]);
  });

  test("one that the transcript holds is continued, with what became of its operations", () => {
    const held = given([...past.accepted(), ...asked(), ...over(), ...requestAgain()])
      .when({
        type: "Heard",
        runId: "run-2",
        words: [word(1, { type: "hello", agent: "a", context: "resumed", holds: ["m1"] })],
      })
      .thenTypes(["AgentReady", "ContextRestored", "ContinuationQueued"]);
    const continuation = held.state.messages.get("continuation-run-2");
    expect(continuation?.replaces).toEqual(["m1"]);
    expect(continuation?.text).toContain('chat.send on chat:7 ("hi"): accepted');
    expect(keys(held.pending()).filter((key) => key.includes("put"))).toEqual([
      "run-2/put:continuation-run-2:1",
    ]);
  });

  test("the end of the continuation's turn settles what it replaced", () => {
    const ended = given([...past.accepted(), ...over(), ...requestAgain()])
      .when({
        type: "Heard",
        runId: "run-2",
        words: [
          word(1, { type: "hello", agent: "a", context: "resumed", holds: ["m1"] }),
          word(2, { type: "accepted", turn: "t1", message: "continuation-run-2" }),
          word(3, { type: "turn_ended", turn: "t1", outcome: "completed", text: "done" }),
        ],
      })
      .thenTypes([
        "AgentReady",
        "ContextRestored",
        "ContinuationQueued",
        "TurnStarted",
        "MessageDelivered",
        "MessageAccepted",
        "TurnEnded",
      ]);
    expect(ended.state.messages.size).toBe(0);
  });

  test("words that are recorded already are passed over", () => {
    const words = [word(1, { type: "hello", agent: "a", context: "fresh", holds: [] })] as const;
    given(past.started())
      .when({ type: "Heard", runId: "run-1", words })
      .thenTypes(["AgentReady"])
      .when({ type: "Heard", runId: "run-1", words })
      .thenNothing();
  });
});

describe("a close", () => {
  test("drains the mailbox after the exit, before the session ends", () => {
    const drained = given([...past.ended(), close(), ...over()]);
    expect(drained.state.life.type).toBe("closing");
    const removed = drained.when({
      type: "Succeeded",
      effect: { type: "remove", run: runOf(past.requested()) },
      value: null,
    });
    removed.thenTypes(["RunRemoved", "SessionClosed"]);
  });

  test("waits for operations that are not done", () => {
    const open = given([...past.accepted(), ...asked(), turnEnded(), close(), ...over()]);
    open
      .when({
        type: "Succeeded",
        effect: { type: "remove", run: runOf(past.requested()) },
        value: null,
      })
      .thenTypes(["RunRemoved"]);
  });
});

describe("operations", () => {
  test("an attempt precedes every call, also the first after a takeover", () => {
    const taken = given([...past.accepted(), ...asked()])
      .when({ type: "OwnSession", owner: "two", epoch: 2, trackerKeys: true })
      .thenTypes(["SessionOwned", "OperationAttempted"]);
    expect(keys(taken.pending())).toContain("op:s-1/run-1/3/perform:2");
  });

  test("without keys, a call whose caller died is looked up and never repeated blindly", () => {
    const taken = given([...past.accepted(), ...asked()])
      .when({ type: "OwnSession", owner: "two", epoch: 2, trackerKeys: false })
      .thenTypes(["SessionOwned", "OperationInDoubt"]);
    expect(keys(taken.pending())).toContain("op:s-1/run-1/3/lookup:2");
  });

  test("one that the Tracker refuses for good does not hold up the next", () => {
    const state = given([...past.accepted(), ...asked(), ...asked(4, false)]);
    const effect = {
      type: "perform",
      operationId: "s-1/run-1/3",
      attempt: 1,
      target: "chat:7",
      operation: { type: "chat.send", chat: "7", content: "hi" },
    } as const;
    const failure = { class: "permanent", code: "REFUSED", message: "No." } as const;
    state
      .when({ type: "Failed", key: "op:s-1/run-1/3/perform:1", effect, failure })
      .thenTypes(["OperationRejected", "OperationAttempted"]);
  });

  test("a late outcome of one that is done changes nothing", () => {
    const effect = {
      type: "perform",
      operationId: "s-1/run-1/9",
      attempt: 1,
      target: "chat:7",
      operation: { type: "chat.send", chat: "7", content: "hi" },
    } as const;
    const value = { id: "1", at: null, repeated: false, data: null };
    given(past.accepted()).when({ type: "Succeeded", effect, value }).thenNothing();
  });
});

type Word = Extract<Incoming, { type: "word" }>;

function word(seq: number, said: Word["word"]): Word {
  return { type: "word", mark: { seq, offset: 0 }, at: 0, word: said };
}

function queued(messageId: string, position: number): SessionEvent {
  return { type: "MessageQueued", data: { messageId, position, text: "go", from: null } };
}

function asked(seq = 3, attempted = true): SessionEvent[] {
  const operationId = `s-1/run-1/${seq}`;
  const operation = { type: "chat.send", chat: "7", content: "hi" } as const;
  const requested: SessionEvent = {
    type: "OperationRequested",
    data: { operationId, runId: "run-1", operation, approvalUntil: null, mark: { seq, offset: 0 } },
  };
  const attempt: SessionEvent = {
    type: "OperationAttempted",
    data: { operationId, attempt: 1, epoch: 1 },
  };
  return attempted ? [requested, attempt] : [requested];
}

function over(): SessionEvent[] {
  return [
    { type: "RunExited", data: { runId: "run-1", ...exit, detail: null } },
    { type: "RunDrained", data: { runId: "run-1", mark: { seq: 9, offset: 0 } } },
  ];
}

function requestAgain(unsettled: readonly string[] = ["m1"]): SessionEvent[] {
  return [
    {
      type: "RunRequested",
      data: {
        runId: "run-2",
        protocol: 1,
        epoch: 1,
        conversation: { id: "c-1", resume: true },
        unsettled,
        prompt: null,
      },
    },
    { type: "RunStarted", data: { runId: "run-2", host: "h", handle: "c2" } },
  ];
}

function nextRun(transcriptHas: readonly string[]): SessionEvent[] {
  return [
    ...requestAgain(),
    {
      type: "AgentReady",
      data: { runId: "run-2", agent: "a", transcriptHas, mark: { seq: 1, offset: 0 } },
    },
  ];
}

function close(): SessionEvent {
  return { type: "CloseRequested", data: { through: 1, outcome: "closed", until: 9e15 } };
}

function turnEnded(): SessionEvent {
  return past.ended().at(-1)!;
}
