// Two processes dispatch on one store: one does it, the other stands by.
import { afterEach, describe, expect, test } from "vitest";
import { createOrchestrator, memoryStore, runDispatcher } from "@waybill/core";
import type { DispatcherOptions, EventStore, OrchestratorOptions } from "@waybill/core";
import { fakeTracker, fakeWorld, hang, reply, type FakeWorld } from "@waybill/core/testing";

const leaseMs = 30_000;
const rules = { agents: { coder: { name: "Coder" } } };
const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

describe("two dispatchers on one store", () => {
  test("the second stands by for as long as the first one renews", async () => {
    const { world, people, start } = sharedBoard([reply("1"), reply("2")]);
    const first = await start(world.ports());
    const second = await start(world.bystander());
    for (const text of ["@coder one", "@coder two"]) {
      people.say({ chat: "general", content: text });
      await world.advance({ minutes: 10 });
    }
    expect([first.saw(), second.saw()]).toEqual([2, 0]);
    expect(heard(world)).toHaveLength(2);
  });

  test("the second takes over in its next round once the first one stops", async () => {
    const { world, people, start } = sharedBoard([reply("1"), reply("2")]);
    const first = await start(world.ports());
    const second = await start(world.bystander());
    people.say({ chat: "general", content: "@coder one" });
    await world.clock.settle();
    await first.stop();
    people.say({ chat: "general", content: "@coder two" });
    await world.advance({ seconds: 11 });
    expect([first.saw(), second.saw()]).toEqual([1, 1]);
    expect(heard(world)).toHaveLength(2);
  });

  test("the second takes over once the lease of one that was killed ends, and does what it left", async () => {
    const { world, people, start } = sharedBoard([reply("1"), reply("2")]);
    const first = await start(world.ports());
    const second = await start(world.bystander());
    people.say({ chat: "general", content: "@coder one" });
    await world.clock.settle();
    world.crash();
    people.say({ chat: "general", content: "@coder two" });
    await world.advance({ seconds: 15 });
    expect(second.saw(), "the lease still holds").toBe(0);
    await world.advance({ seconds: 60 });
    expect([first.saw(), second.saw()]).toEqual([1, 1]);
    expect(heard(world)).toHaveLength(2);
  });

  test("one that stood still past its lease does nothing when it wakes, and stands by", async () => {
    const { world, people, start } = sharedBoard([hang(), reply("again")]);
    const first = await start(world.ports());
    const second = await start(world.bystander());
    people.task({ id: "t1", assignedTo: "coder" });
    await world.advance({ seconds: 1 });
    const sleeper = world.freeze();
    // The first one sees it as soon as it wakes, when it was done long ago.
    people.task({ id: "t1", status: "cancelled" });
    await world.advance({ minutes: 2 });
    people.task({ id: "t2", assignedTo: "coder" });
    await world.advance({ minutes: 1 });
    const before = await recorded(world.store);
    sleeper.wake();
    await world.advance({ minutes: 1 });
    expect(await recorded(world.store)).toEqual(before);
    expect(second.saw()).toBe(2);
    // It lives, and is there when the other goes.
    await second.stop();
    people.task({ id: "t2", status: "cancelled" });
    await world.advance({ minutes: 1 });
    const seen = (await recorded(world.store)).filter((type) => type === "TrackerEventSeen");
    expect(seen).toHaveLength(4);
    expect(first.failure()).toBeNull();
  });

  test("a prompt whose time came while its process stood still opens nothing again", async () => {
    const { world, people, start } = sharedBoard([reply("1"), reply("2")]);
    const slow = { ...rules, rate: { prompts: 1, perMs: 60_000 } };
    await start(world.ports(), { rules: slow });
    const second = await start(world.bystander(), { rules: slow });
    people.say({ chat: "general", content: "@coder one" });
    people.say({ chat: "side", content: "@coder two" });
    await world.advance({ seconds: 1 });
    const sleeper = world.freeze();
    await world.advance({ minutes: 2 });
    expect(heard(world)).toHaveLength(2);
    const late = await createOrchestrator(world.bystander());
    ending.push(async () => {
      await late[Symbol.asyncDispose]();
    });
    const session = late.session("chat-side.coder");
    await session.stop({ signal: AbortSignal.abort() });
    await world.advance({ minutes: 1 });
    sleeper.wake();
    await world.advance({ minutes: 1 });
    expect(await session.status()).toBe("stopped");
    expect(second.failure()).toBeNull();
  });

  test("one that was paused right before it ends a session ends none that was opened again", async () => {
    const { world, people, start } = sharedBoard([hang(), reply("again"), hang()]);
    await start(world.bystander());
    people.task({ id: "t1", assignedTo: "coder" });
    await world.clock.settle();
    people.task({ id: "t1", assignedTo: null });
    await world.advance({ minutes: 1 });
    people.task({ id: "t1", assignedTo: "coder" });
    await world.advance({ minutes: 1 });
    const late = await createOrchestrator({ ...world.bystander() });
    ending.push(async () => {
      await late[Symbol.asyncDispose]();
    });
    const session = late.session("task-t1.coder");
    expect(await session.status()).toBe("idle");
    const event = await eventOf(world.store, "task.reassigned");
    await session.stop({ idempotencyKey: `tracker-event:${event}` });
    expect(await session.status()).toBe("idle");
    // With any other name it is a wish of its own.
    const signal = AbortSignal.abort();
    await session.stop({ idempotencyKey: "another", signal });
    await world.advance({ minutes: 1 });
    expect(await session.status()).toBe("stopped");
  });

  test("one that may not stand by says at once who is in its way", async () => {
    const { world, start } = sharedBoard([]);
    await start(world.ports());
    const second = await start(world.bystander(), { standBy: false });
    expect(second.failure()).toMatchObject({ code: "DISPATCH_OWNED", class: "transient" });
  });

  test("a store that is away for two rounds costs nothing", async () => {
    let away = false;
    const { world, people, start } = sharedBoard([reply("1")]);
    const ports = world.ports();
    const store = new Proxy(ports.store, {
      get: (target, name, self): unknown =>
        name === "renew" && away
          ? () => Promise.reject(new Error("The connection was cut."))
          : Reflect.get(target, name, self),
    });
    const first = await start({ ...ports, store });
    const second = await start(world.bystander());
    away = true;
    await world.advance({ seconds: 21 });
    away = false;
    await world.advance({ minutes: 5 });
    people.say({ chat: "general", content: "@coder one" });
    await world.advance({ seconds: 1 });
    expect([first.saw(), second.saw()]).toEqual([1, 0]);
    expect(first.failure()).toBeNull();
  });
});

/** A board, and a store that respects leases, as one that many processes share. */
function sharedBoard(steps: Parameters<typeof fakeWorld>[0][string]) {
  const tracker = fakeTracker();
  const clock = { now: () => world.clock.now(), after: () => () => {} };
  const store = memoryStore({ clock, leaseMs, id: "fake" });
  const world: FakeWorld = fakeWorld(
    { coder: steps },
    { store, tracker: () => fakeTracker({ board: tracker.board }) },
  );

  const start = async (ports: OrchestratorOptions, options: Partial<DispatcherOptions> = {}) => {
    const orchestrator = await createOrchestrator(ports);
    const stopping = new AbortController();
    let seen = 0;
    let failure: unknown = null;
    const note = (message: string): void => {
      if (message === "An event of the board was seen.") seen += 1;
    };
    const running = runDispatcher({
      orchestrator,
      store: ports.store,
      tracker: typeof ports.tracker === "object" ? ports.tracker : tracker,
      rules,
      signal: stopping.signal,
      ignoreBefore: 0,
      clock: ports.clock ?? world.clock,
      logger: { debug: note, info: note, warn: note, error: note },
      ...options,
    }).catch((error: unknown) => {
      failure = error;
    });
    ending.push(async () => {
      stopping.abort();
    });
    await world.clock.settle();
    return {
      saw: () => seen,
      failure: () => failure,
      stop: async () => {
        stopping.abort();
        await running;
      },
    };
  };
  return { world, people: tracker.board.people, start };
}

function heard(world: FakeWorld): string[] {
  return world.host.brain("coder").heard.map(({ text }) => text);
}

async function recorded(store: EventStore): Promise<string[]> {
  return (await dispatched(store)).map(({ type }) => type);
}

async function eventOf(store: EventStore, kind: string): Promise<string> {
  for (const { data } of await dispatched(store)) {
    const seen = data as { readonly kind?: string; readonly event?: string };
    if (seen.kind === kind) return seen.event ?? "";
  }
  throw new Error(`Nothing of the kind ${kind} was seen.`);
}

async function dispatched(store: EventStore) {
  return (await Array.fromAsync(store.read("$dispatch"))).flat();
}
