// What an agent asks of people: questions, and leave to use a tool.
import { afterEach, describe, expect, test } from "vitest";
import { createOrchestrator, type Orchestrator, type PersonOperation } from "@waybill/core";
import { exit, fakeWorld, given, hang, operation, reply } from "@waybill/core/testing";
import type { Given } from "@waybill/core/testing";
import { opened, past } from "./pasts.ts";

const ask: PersonOperation = {
  type: "person.ask",
  question: "Which store?",
  choices: ["SQLite", "PostgreSQL"],
};
const permit: PersonOperation = {
  type: "person.permit",
  tool: "Bash",
  input: { command: "make deploy" },
};

const orchestrators: Orchestrator[] = [];
afterEach(async () => {
  for (const orchestrator of orchestrators.splice(0)) await orchestrator[Symbol.asyncDispose]();
});

async function start(world: ReturnType<typeof fakeWorld>): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator(world.ports());
  orchestrators.push(orchestrator);
  return orchestrator;
}

describe("a question", () => {
  test("waits over a restart of the orchestrator, and its answer reaches the agent", async () => {
    const world = fakeWorld({ coder: [operation(ask), reply("ok")] });
    const first = await createOrchestrator(world.ports());
    await (await first.open({ id: "s", agent: "coder" })).send("go");
    await world.clock.settle();
    expect(await first.session("s").status()).toBe("asking");
    world.crash();
    const session = (await start(world)).session("s");
    const [waiting] = await session.approvals();
    expect(waiting?.operation.operation).toEqual(ask);
    expect(await session.answer(waiting!.operation.id, "SQLite", { by: "Ada" })).toBe(true);
    await world.clock.settle();
    expect(world.host.brain("coder").answers).toMatchObject([
      { status: "delivered", data: { by: "Ada", answer: "SQLite" } },
    ]);
    expect(await session.status()).toBe("idle");
    expect(await session.answer(waiting!.operation.id, "PostgreSQL")).toBe(false);
  });

  test("that nobody answers in time is denied, and a late answer is told that it is late", async () => {
    const world = fakeWorld(
      { coder: [operation(ask), reply("I decide.")] },
      { policy: { approvalMs: 60_000 } },
    );
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    const turn = session.ask("go");
    await world.clock.settle();
    const [waiting] = await session.approvals();
    await world.advance({ minutes: 2 });
    expect((await turn).text).toBe("I decide.");
    expect(world.host.brain("coder").answers[0]?.error?.code).toBe("APPROVAL_DENIED");
    expect(await session.answer(waiting!.operation.id, "SQLite")).toBe(false);
  });

  test("of a run that died is withdrawn, and the next run is told so", async () => {
    const world = fakeWorld({ coder: [operation(ask), exit(137), reply("done")] });
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    const turn = session.ask("go");
    await world.clock.settle();
    world.host.live()[0]?.end({ exitCode: null, signal: "SIGKILL", oomKilled: false });
    await world.advance({ minutes: 5 });
    expect((await session.approvals()).length).toBe(0);
    expect(world.host.brain("coder").heard.at(-1)?.text).toMatch(
      /a question \("Which store\?"\): not answered yet; ask again if you still need it/,
    );
    await session.stop();
    await turn.catch(() => undefined);
  });

  test("that was answered before its run died is told to the next one with its answer", async () => {
    const world = fakeWorld({ coder: [operation(ask), exit(137), reply("done")] });
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    const turn = session.ask("go");
    await world.clock.settle();
    const [waiting] = await session.approvals();
    await session.answer(waiting!.operation.id, "SQLite");
    await world.advance({ minutes: 5 });
    expect((await turn).text).toBe("done");
    expect(world.host.brain("coder").heard.at(-1)?.text).toContain(
      'a question ("Which store?"), answered "SQLite": done',
    );
  });

  test("takes no yes, and what takes a yes is no question", () => {
    asked(ask).when(decision(true)).thenRefused("ANSWER_NEEDED");
    asked(permit).when(answer("yes")).thenRefused("NOT_A_QUESTION");
  });

  test("is answered once", () => {
    asked(ask)
      .when(answer("SQLite"))
      .then([{ type: "PersonAnswered", data: { operationId: id(3), by: "Ada", answer: "SQLite" } }])
      .when(answer("PostgreSQL"))
      .thenNothing();
  });
});

describe("leave to use a tool", () => {
  test("is given, and never goes to the board", () => {
    const granted = asked(permit)
      .when(decision(true))
      .then([{ type: "PersonAnswered", data: { operationId: id(3), by: "Ada", answer: null } }]);
    expect(granted.pending().map(({ key }) => key)).toContain("run-1/answer:3");
    expect(granted.state.outbox.size).toBe(0);
  });

  test("is refused with the reason", () => {
    const denied = asked(permit).when(decision(false)).thenTypes(["ApprovalDenied"]);
    expect(denied.state.answers.get(id(3))).toMatchObject({
      status: "rejected",
      error: { code: "APPROVAL_DENIED", message: "Not that." },
    });
  });
});

describe("what is asked of people", () => {
  test("needs no scope and no policy", () => {
    expect(asked(ask).state.approvals.get(id(3))).toMatchObject({ turnId: "t1" });
  });

  test("is withdrawn when the turn ends that asks it", () => {
    asked(ask).when(turnEnded(4)).thenTypes(["TurnEnded", "ApprovalWithdrawn"]);
  });

  test("is withdrawn when the run is over that asks it", () => {
    const over = asked(ask).when({ type: "RunAbsent", runId: "run-1" }).thenTypes(["RunLost"]);
    const duty = over.pending().find(({ key }) => key === "run-1/drain");
    if (duty === undefined || !("effect" in duty) || duty.effect.type !== "drain")
      throw new Error("Nothing is to be drained.");
    const drained = over
      .when({ type: "Succeeded", effect: duty.effect, value: null })
      .thenTypes(["RunDrained", "ApprovalWithdrawn", "RestartScheduled"]);
    expect(drained.state.answers.size).toBe(0);
  });

  test("leaves alone what waits for leave at the board", () => {
    const comment = { type: "task.comment", task: "42", content: "hi" } as const;
    const held = given([opened({ approve: ["task.comment"] }), ...past.accepted().slice(1)])
      .when(heard(3, comment))
      .thenTypes(["OperationRequested"])
      .when(turnEnded(4))
      .thenTypes(["TurnEnded"]);
    expect([...held.state.approvals.keys()]).toEqual([id(3)]);
  });

  test("stops the clock of the turn, which counts anew when a person has decided", () => {
    const before = asked(ask);
    const { turnMs, stallMs } = before.state.policy;
    if (turnMs === null) throw new Error("A turn has a deadline here.");
    const now = before.state.now + 10 * turnMs;
    const seen = { now, aliveAt: now, caughtUpAt: 0 };
    // Only what shows no life ends now; the turn itself may take its time.
    const tick = { type: "Tick", seen } as const;
    before.when(tick, { at: now }).thenNothing();
    const answered = before.when(answer("SQLite"), { at: now }).thenTypes(["PersonAnswered"]);
    const alive = { now: now + turnMs, aliveAt: now + turnMs, caughtUpAt: 0 };
    answered
      .when({ ...tick, seen: alive }, { at: now + turnMs - 1 })
      .thenNothing()
      .when({ ...tick, seen: alive }, { at: now + turnMs })
      .thenTypes(["InterruptRequested"]);
    before
      .when({ type: "Tick", seen: { ...seen, aliveAt: now - stallMs } }, { at: now })
      .thenTypes(["RunStopRequested"]);
  });

  test("is denied when more is outstanding than anybody could look at", () => {
    const full = given([opened({ operations: 1 }), ...past.accepted().slice(1)])
      .when(heard(3, ask))
      .thenTypes(["OperationRequested"])
      .when(heard(4, permit))
      .thenTypes(["OperationRequested", "ApprovalDenied"]);
    expect([...full.state.approvals.keys()]).toEqual([id(3)]);
  });

  test("is denied when the session is stopped", async () => {
    const world = fakeWorld({ coder: [operation(ask), hang()] });
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    await session.send("go");
    await world.clock.settle();
    const stopped = session.stop();
    await world.advance({ minutes: 1 });
    await stopped;
    expect(await session.status()).toBe("stopped");
  });
});

function asked(question: PersonOperation): Given {
  return given(past.accepted()).when(heard(3, question)).thenTypes(["OperationRequested"]);
}

function heard(seq: number, request: unknown): Parameters<Given["when"]>[0] {
  const word = { type: "operation", operation: request as PersonOperation } as const;
  const mark = { seq, offset: 0 };
  return { type: "Heard", runId: "run-1", words: [{ type: "word", at: 0, mark, word }] };
}

function turnEnded(seq: number): Parameters<Given["when"]>[0] {
  const word = { type: "turn_ended", turn: "t1", outcome: "completed", text: "" } as const;
  const mark = { seq, offset: 0 };
  return { type: "Heard", runId: "run-1", words: [{ type: "word", at: 0, mark, word }] };
}

function decision(granted: boolean): Parameters<Given["when"]>[0] {
  return { type: "DecideApproval", operationId: id(3), granted, by: "Ada", reason: "Not that." };
}

function answer(text: string): Parameters<Given["when"]>[0] {
  return { type: "AnswerQuestion", operationId: id(3), text, by: "Ada" };
}

function id(seq: number): string {
  return `s-1/run-1/${seq}`;
}
