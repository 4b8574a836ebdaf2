import { expect, test } from "vitest";
import { createOrchestrator } from "@waybill/core";
import { chat, fakeTracker, fakeWorld, operation, reply } from "@waybill/core/testing";

const minute = 60_000;

test.each([
  { kept: 10 * minute, operationMs: 24 * 60 * minute, lookups: 1 },
  { kept: 10 * minute, operationMs: 5 * minute, lookups: 0 },
  { kept: null, operationMs: 24 * 60 * minute, lookups: 0 },
])(
  "keys that are kept for $kept ms, operations tried for $operationMs ms: done once, $lookups look-ups",
  async ({ kept, operationMs, lookups }) => {
    const world = fakeWorld(
      { coder: [operation(chat("general", "once")), reply("done")] },
      { tracker: () => tracker, policy: { operationMs, stallMs: 1e9, turnMs: null } },
    );
    const tracker = fakeTracker({ keysKeptMs: kept, now: () => world.clock.now() });
    await using orchestrator = await createOrchestrator(world.ports());
    const scope = { chats: ["general"] };
    const session = await orchestrator.open({ id: "s", agent: "coder", scope });
    tracker.failNext({ type: "cut", when: "after" });
    // Then it is away, and longer than the shorter of the two remembers.
    tracker.failNext({ type: "unavailable" }, { times: operationMs < 6 * minute ? 1 : 25 });
    const answer = session.ask("go");
    await world.advance({ minutes: 90 });
    expect(await answer).toMatchObject({ outcome: "completed" });
    expect(tracker.board.messages).toHaveLength(1);
    expect(world.host.brain("coder").answers.map(({ status }) => status)).toEqual(["delivered"]);
    expect(tracker.lookedUp).toHaveLength(lookups);
  },
);
