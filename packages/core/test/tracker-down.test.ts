import { expect, test } from "vitest";
import { createOrchestrator } from "@waybill/core";
import { chat, fakeTracker, fakeWorld, operation, reply } from "@waybill/core/testing";
import type { FakeTracker, FakeWorld } from "@waybill/core/testing";

const agents = Array.from({ length: 40 }, (_, index) => `agent-${index}`);

test("a Tracker that is down for an hour: nothing is lost, nothing grows, and all drains in a minute", async () => {
  let down = true;
  const tracker = fakeTracker({ fault: () => (down ? { type: "unavailable" } : null) });
  const world = worldOf(tracker, [1, 2, 3]);
  await using orchestrator = await createOrchestrator(world.ports());
  for (const agent of agents) {
    const scope = { chats: ["general"] };
    await (await orchestrator.open({ id: agent, agent, scope })).send("go");
  }
  await world.advance({ minutes: 1 });
  const early = await sizes(orchestrator);
  await world.advance({ minutes: 59 });
  expect(await sizes(orchestrator)).toEqual(early);
  expect(tracker.board.messages).toEqual([]);
  // A retry a minute once the wait is at its cap, and half again for the jitter.
  expect(tracker.performed.length / agents.length).toBeLessThan(130);

  down = false;
  const perSecond: number[] = [];
  for (let second = 0; second < 70; second += 1) {
    const before = tracker.performed.length;
    await world.advance({ seconds: 1 });
    perSecond.push(tracker.performed.length - before);
  }
  const said = tracker.board.messages.map(({ sender, content }) => `${sender} ${content}`);
  expect(said.toSorted()).toEqual(
    agents.flatMap((agent) => [1, 2, 3].map((line) => `${agent} line ${line}`)).toSorted(),
  );
  // The waits end at different times, so that the board is not fallen upon.
  expect(Math.max(...perSecond)).toBeLessThan((agents.length * 3) / 2);
  for (const agent of agents) {
    expect(world.host.brain(agent).answers.map(({ status }) => status)).toEqual([
      "delivered",
      "delivered",
      "delivered",
    ]);
  }
});

test("an operation that is refused for good never blocks the next one", async () => {
  const tracker = fakeTracker({
    fault: ({ operation: asked }) =>
      "content" in asked && asked.content === "line 2" ? { type: "refused" } : null,
  });
  const world = worldOf(tracker, [1, 2, 3]);
  await using orchestrator = await createOrchestrator(world.ports());
  const session = await orchestrator.open({
    id: "s",
    agent: "agent-0",
    scope: { chats: ["general"] },
  });
  await session.send("go");
  await world.advance({ seconds: 5 });
  expect(tracker.board.messages.map(({ content }) => content)).toEqual(["line 1", "line 3"]);
  expect(world.host.brain("agent-0").answers.map(({ status }) => status)).toEqual([
    "delivered",
    "rejected",
    "delivered",
  ]);
});

function worldOf(tracker: FakeTracker, lines: readonly number[]): FakeWorld {
  const steps = [...lines.map((line) => operation(chat("general", `line ${line}`))), reply("done")];
  // Nothing but the board is slow here: the agent is alive all the time.
  const policy = { stallMs: 1e9, turnMs: null };
  return fakeWorld(Object.fromEntries(agents.map((agent) => [agent, steps])), {
    tracker: () => tracker,
    policy,
  });
}

/** How much each session has in hand. */
async function sizes(
  orchestrator: Awaited<ReturnType<typeof createOrchestrator>>,
): Promise<readonly number[]> {
  const states = agents.map((agent) => orchestrator.session(agent).state());
  return (await Promise.all(states)).map(
    ({ messages, outbox, deadLetters }) => messages.size + outbox.size + deadLetters.size,
  );
}
