// A session that another held for a moment, while an append of its first owner was on the way.
import { expect, test } from "vitest";
import { createOrchestrator, type EventStore } from "@waybill/core";
import { fakeWorld, operation, chat, fakeBoard, fakeTracker, reply } from "@waybill/core/testing";

/** A store whose fenced appends wait while the gate is shut, as on a slow way to the store. */
function gated(store: EventStore): {
  readonly store: EventStore;
  readonly shut: () => void;
  readonly open: () => void;
  readonly waiting: () => number;
} {
  let gate = Promise.resolve();
  let open = (): void => {};
  let waiting = 0;
  const append: EventStore["append"] = async (stream, expected, events, fence) => {
    if (fence !== undefined) {
      waiting += 1;
      await gate;
      waiting -= 1;
    }
    return store.append(stream, expected, events, fence);
  };
  return {
    store: new Proxy(store, {
      get: (target, name): unknown => {
        const value: unknown = name === "append" ? append : Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    }),
    shut: () => {
      ({ promise: gate, resolve: open } = Promise.withResolvers<void>());
    },
    open: () => open(),
    waiting: () => waiting,
  };
}

test("a fence of an earlier lease does not end the lease under which the session came back", async () => {
  const board = fakeBoard(["c"], []);
  const world = fakeWorld(
    { coder: [operation(chat("c", "hello")), reply("done")] },
    { tracker: () => fakeTracker({ board, now: () => world.clock.now() }) },
  );
  const ports = world.ports();
  const slow = gated(ports.store);
  await using orchestrator = await createOrchestrator({ ...ports, store: slow.store });
  const session = await orchestrator.open({
    id: "s",
    agent: "coder",
    scope: { chats: ["c"], tasks: [] },
  });

  slow.shut();
  await session.send("go");
  await world.advance({ seconds: 1 });
  expect(slow.waiting()).toBe(1);

  // Another takes the session and leaves it again; in its next round this one has it back.
  await world.store.release(await world.store.claim(["s"], "another"));
  await world.advance({ seconds: 11 });
  slow.open();
  await world.advance({ minutes: 1 });

  expect((await session.state()).owner?.epoch).toBe(3);
  expect((await session.state()).messages.size, "the message is answered").toBe(0);
  expect(board.messages.map(({ content }) => content)).toEqual(["hello"]);
});
