// What makes a session wait for somebody: budgets, approvals, what was given up; and forks.
import { afterEach, describe, expect, test } from "vitest";
import { admit, createOrchestrator, type Orchestrator } from "@waybill/core";
import { chat, fakeTracker, fakeWorld, given, operation, reply } from "@waybill/core/testing";
import { opened, owned, past } from "./pasts.ts";

const orchestrators: Orchestrator[] = [];
afterEach(async () => {
  for (const orchestrator of orchestrators.splice(0)) await orchestrator[Symbol.asyncDispose]();
});

async function start(
  world: ReturnType<typeof fakeWorld>,
  more: object = {},
): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator({ ...world.ports(), ...more });
  orchestrators.push(orchestrator);
  return orchestrator;
}

const scope = { chats: ["7"] };

describe("a budget", () => {
  test("pauses at the cap, keeps the message, and goes on when raised", async () => {
    const world = fakeWorld(
      { coder: [reply("one", { costUsd: 1 }), reply("two", { costUsd: 1.5 })] },
      { policy: { budgetUsd: 1 } },
    );
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    expect((await session.ask("first")).text).toBe("one");
    await expect(session.ask("second")).rejects.toMatchObject({ code: "BUDGET_EXCEEDED" });
    await expect(session.raiseBudget(0.5)).rejects.toMatchObject({ code: "BUDGET_TOO_LOW" });
    await session.raiseBudget(5);
    await world.clock.settle();
    const { totals, messages } = await session.state();
    expect(messages.size).toBe(0);
    expect(totals.costUsd).toBe(1.5);
  });

  test("sums conversations, each by its last figure", () => {
    const turn = (turnId: string, conversation: string, costUsd: number) =>
      ({
        type: "TurnEnded",
        data: {
          runId: "r",
          turnId,
          outcome: "completed",
          text: "",
          error: null,
          usage: null,
          costUsd,
          messageIds: [],
          conversation,
          transcriptId: null,
          mark: { seq: 0, offset: 0 },
        },
      }) as const;
    const { state } = given([
      opened(),
      owned(),
      turn("t1", "a", 1),
      turn("t2", "a", 3),
      turn("t3", "b", 0.5),
      turn("t4", "b", 2),
    ]);
    expect(state.totals.costUsd).toBe(5);
  });
});

describe("an approval", () => {
  const script = [operation(chat("7", "hi")), reply("ok")];
  const policy = { approve: ["chat.send" as const] };

  test("holds the operation until it is granted, also over a restart", async () => {
    const { board } = fakeTracker({ chats: ["7"] });
    const world = fakeWorld({ coder: script }, { policy, tracker: () => fakeTracker({ board }) });
    const first = await createOrchestrator(world.ports());
    const session = await first.open({ id: "s", agent: "coder", scope });
    await session.send("go");
    await world.clock.settle();
    expect(board.messages).toEqual([]);
    world.crash();
    const again = (await start(world)).session("s");
    const [approval] = await again.approvals();
    await again.grant(approval!.operation.id, { by: "Ada" });
    await world.clock.settle();
    expect(board.messages.map(({ content }) => content)).toEqual(["hi"]);
    expect(await again.approvals()).toEqual([]);
  });

  test("denies when told so, and tells the agent why", async () => {
    const { board } = fakeTracker({ chats: ["7"] });
    const world = fakeWorld({ coder: script }, { policy, tracker: () => fakeTracker({ board }) });
    const session = await (await start(world)).open({ id: "s", agent: "coder", scope });
    const asked = session.ask("go");
    await world.clock.settle();
    const [approval] = await session.approvals();
    await session.deny(approval!.operation.id, { reason: "Not today." });
    expect((await asked).text).toBe("ok");
    expect(world.host.brain("coder").answers[0]).toMatchObject({
      status: "rejected",
      error: { code: "APPROVAL_DENIED", message: "Not today." },
    });
    expect(board.messages).toEqual([]);
  });

  test("times out to a denial", async () => {
    const world = fakeWorld({ coder: script }, { policy: { ...policy, approvalMs: 60_000 } });
    const session = await (await start(world)).open({ id: "s", agent: "coder", scope });
    const asked = session.ask("go");
    await world.advance({ minutes: 2 });
    expect((await asked).outcome).toBe("completed");
    const types: string[] = [];
    for await (const { type } of session.events({ until: "idle" })) types.push(type);
    expect(types).toContain("ApprovalDenied");
  });

  test("does not hold up its target: order counts from clearance", () => {
    const word = (seq: number, content: string) =>
      ({
        type: "word",
        at: 0,
        mark: { seq, offset: 0 },
        word: { type: "operation", operation: { type: "task.comment", task: "42", content } },
      }) as const;
    const [open, ...rest] = past.accepted();
    const held = given([opened({ approve: ["task.comment"] }), ...rest])
      .when({ type: "Heard", runId: "run-1", words: [word(3, "waits")] })
      .thenTypes(["OperationRequested"]);
    expect(open?.type).toBe("SessionOpened");
    const status = { type: "task.status", task: "42", status: "review" } as const;
    const next = {
      type: "word",
      at: 0,
      mark: { seq: 4, offset: 0 },
      word: { type: "operation", operation: status },
    } as const;
    const passed = held
      .when({ type: "Heard", runId: "run-1", words: [next] })
      .thenTypes(["OperationRequested", "OperationAttempted"]);
    expect(passed.pending().map(({ key }) => key)).toContain("op:s-1/run-1/4/perform:1");
  });
});

describe("an operation that was given up", () => {
  test("is listed, and done under the same key when driven again", async () => {
    const { board } = fakeTracker({ chats: ["7"] });
    const down = fakeTracker({ board });
    down.failNext({ type: "unavailable" }, { times: 10_000 });
    const world = fakeWorld(
      { coder: [operation(chat("7", "hi")), reply("ok")] },
      { policy: { operationMs: 60_000 }, tracker: () => down },
    );
    const session = await (await start(world)).open({ id: "s", agent: "coder", scope });
    await session.send("go");
    await world.advance({ minutes: 5 });
    const letters = await session.deadLetters();
    expect(letters).toHaveLength(1);
    down.heal();
    await session.redrive(letters[0]!.id);
    await world.advance({ minutes: 1 });
    expect(board.messages.map(({ key }) => key)).toEqual([letters[0]!.id]);
    expect(await session.deadLetters()).toEqual([]);
    await expect(session.redrive("s/x/1")).rejects.toMatchObject({ code: "OPERATION_NOT_FOUND" });
  });
});

describe("a fork", () => {
  test("needs a turn to begin from", async () => {
    const world = fakeWorld({ coder: [] });
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    await expect(session.fork({ id: "t" })).rejects.toMatchObject({ code: "TURN_NOT_FOUND" });
  });
});

describe("admission", () => {
  const place = (session: string, priority: number, since: number, agent = "coder") => ({
    session,
    agent,
    priority,
    since,
  });

  test("goes by priority, then by who came first", () => {
    const waiting = [place("a", 0, 5), place("b", 0, 1), place("c", 9, 7)];
    expect(admit(waiting, [], { runs: 2 }, 10).map(({ session }) => session)).toEqual(["c", "b"]);
  });

  test("lets waiting outweigh priority, so that nobody starves", () => {
    const waiting = [place("new", 3, 600_000), place("old", 0, 0)];
    expect(admit(waiting, [], { runs: 1 }, 600_000)[0]?.session).toBe("old");
  });

  test("holds up nobody for another agent's limit", () => {
    const waiting = [place("a", 0, 1), place("b", 0, 2, "writer")];
    const running = [{ session: "x", agent: "coder" }];
    const limits = { runsPerAgent: { coder: 1 } };
    expect(admit(waiting, running, limits, 3).map(({ session }) => session)).toEqual(["b"]);
  });

  test("keeps to the limit of runs, over many sessions", async () => {
    const world = fakeWorld({ coder: Array.from({ length: 6 }, () => reply("ok")) });
    const orchestrator = await start(world, { limits: { runs: 2 } });
    let most = 0;
    orchestrator.on("RunStarted", () => {
      most = Math.max(most, world.host.live().length);
    });
    const ids = ["a", "b", "c", "d", "e", "f"];
    const all = ids.map(async (id) => {
      const session = await orchestrator.open({ id, agent: "coder" });
      await session.ask("go");
      await session.close();
    });
    await world.advance({ minutes: 30 });
    await Promise.all(all);
    expect(most).toBeLessThanOrEqual(2);
  });

  test("asks the user's hook, and asks again where it refused", async () => {
    const world = fakeWorld({ coder: [reply("ok")] });
    let asked = 0;
    const orchestrator = await start(world, {
      admit: async () => {
        asked += 1;
        if (asked === 1) throw new Error("no memory");
      },
    });
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    const turn = session.ask("go");
    await world.advance({ minutes: 2 });
    expect((await turn).text).toBe("ok");
    expect(asked).toBe(2);
  });
});
