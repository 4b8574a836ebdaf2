// A function of the user's decides what an agent may do, in the stead of a person.
import { afterEach, expect, test } from "vitest";
import { createOrchestrator, type ApprovalPolicy, type Orchestrator } from "@waybill/core";
import { chat, fakeTracker, fakeWorld, operation, reply } from "@waybill/core/testing";

const orchestrators: Orchestrator[] = [];
afterEach(async () => {
  for (const orchestrator of orchestrators.splice(0)) await orchestrator[Symbol.asyncDispose]();
});

const policy = { approve: ["chat.send" as const] };
const scope = { chats: ["7"] };
const sends = (text: string) => [operation(chat("7", text)), reply("ok")];

function worldOf(...texts: readonly string[]) {
  const { board } = fakeTracker({ chats: ["7"] });
  const world = fakeWorld(
    { coder: texts.flatMap(sends) },
    { policy, tracker: () => fakeTracker({ board }) },
  );
  return { world, board };
}

test("what it allows is done, what it refuses is not, and the agent is told why", async () => {
  const { world, board } = worldOf("fine", "rude");
  const asked: unknown[] = [];
  const approve: ApprovalPolicy = (what) => {
    asked.push(what);
    const isFine = what.operation.type === "chat.send" && what.operation.content === "fine";
    return isFine ? { granted: true } : { granted: false, reason: "Be polite." };
  };
  const orchestrator = await createOrchestrator({ ...world.ports(), approve });
  orchestrators.push(orchestrator);
  const session = await orchestrator.open({ id: "s", agent: "coder", scope });
  await session.ask("first");
  await session.ask("second");
  expect(board.messages.map(({ content }) => content)).toEqual(["fine"]);
  const { answers } = world.host.brain("coder");
  expect(answers[1]).toMatchObject({
    status: "rejected",
    error: { code: "APPROVAL_DENIED", message: "Be polite." },
  });
  expect(asked).toMatchObject([
    { session: "s", agent: "coder", tenant: null, operation: { content: "fine" } },
    { session: "s", agent: "coder", tenant: null, operation: { content: "rude" } },
  ]);
  const by: unknown[] = [];
  for await (const event of session.events({ until: "idle" }))
    if (event.type === "ApprovalGranted" || event.type === "ApprovalDenied") by.push(event.data.by);
  expect(by).toEqual(["policy", "policy"]);
});

test("one that leaves it open, or throws, leaves it to a person", async () => {
  const { world, board } = worldOf("one", "two");
  let calls = 0;
  const approve: ApprovalPolicy = () => {
    calls += 1;
    if (calls > 1) throw new Error("The rules are away.");
    return null;
  };
  const orchestrator = await createOrchestrator({ ...world.ports(), approve });
  orchestrators.push(orchestrator);
  const session = await orchestrator.open({ id: "s", agent: "coder", scope });
  for (const text of ["first", "second"]) {
    const turn = session.ask(text);
    await world.clock.settle();
    const [approval] = await session.approvals();
    await session.grant(approval!.operation.id, { by: "Ada" });
    await turn;
  }
  expect(calls).toBe(2);
  expect(board.messages).toHaveLength(2);
});

test("is asked again by the next orchestrator, where the first died before it had decided", async () => {
  const { world, board } = worldOf("hi");
  const never: ApprovalPolicy = () => new Promise(() => undefined);
  const first = await createOrchestrator({ ...world.ports(), approve: never });
  const session = await first.open({ id: "s", agent: "coder", scope });
  await session.send("go");
  await world.clock.settle();
  expect(await session.approvals()).toHaveLength(1);
  world.crash();
  const approve: ApprovalPolicy = () => ({ granted: true });
  orchestrators.push(await createOrchestrator({ ...world.ports(), approve }));
  await world.advance({ seconds: 10 });
  expect(board.messages.map(({ content }) => content)).toEqual(["hi"]);
});
