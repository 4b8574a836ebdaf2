import { afterEach, describe, expect, test } from "vitest";
import { createOrchestrator, type Orchestrator, type StoredEvent } from "@waybill/core";
import { fakeTracker, fakeWorld, hang, reply, chat, operation } from "@waybill/core/testing";
import type { FakeTracker, FakeWorld, Step } from "@waybill/core/testing";
import type { DispatchRules } from "../src/dispatch/rules.ts";
import { runDispatcher } from "../src/dispatch/run-dispatcher.ts";

const rules: DispatchRules = { agents: { coder: { name: "Кодер" }, tester: { name: "Тестер" } } };
const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

describe("the dispatcher", () => {
  test("opens a session for a task that is given to an agent, and tells it", async () => {
    const { world, people } = await board({ coder: [reply("on it")] });
    people.task({ id: "task-1", title: "Mend it", assignedTo: "coder" });
    await world.clock.settle();
    expect(heard(world, "coder")).toEqual(["Task task-1 is yours now: Mend it"]);
    world.assertScriptsUsed();
  });

  test("hands a mention to the session of the chat, again and again", async () => {
    const { world, orchestrator, people } = await board({ coder: [reply("1"), reply("2")] });
    const first = people.say({ chat: "general", content: "@coder: one" });
    await world.clock.settle();
    people.say({ chat: "general", content: "@Кодер, two", replyTo: first });
    await world.clock.settle();
    expect(heard(world, "coder")).toEqual([
      "Ann in the chat general:\n\n@coder: one",
      "Ann in the chat general:\n\n@Кодер, two",
    ]);
    expect(await orchestrator.list()).toHaveLength(1);
  });

  test("ends the session of a task that is cancelled while the agent works", async () => {
    const { world, orchestrator, people } = await board({ coder: [hang()] });
    people.task({ id: "task-1", assignedTo: "coder" });
    await world.clock.settle();
    expect(await orchestrator.session("task-task-1.coder").status()).toBe("running");
    people.task({ id: "task-1", status: "cancelled" });
    await world.advance({ minutes: 5 });
    expect(await orchestrator.session("task-task-1.coder").status()).toBe("stopped");
    expect(world.host.live()).toEqual([]);
  });

  test("a task that comes back to an agent goes on in its session", async () => {
    const { world, orchestrator, people } = await board({
      coder: [hang(), reply("again")],
      tester: [reply("t")],
    });
    for (const assignedTo of ["coder", "tester", "coder"]) {
      people.task({ id: "task-1", assignedTo });
      await world.clock.settle();
    }
    await world.advance({ minutes: 5 });
    expect(await orchestrator.session("task-task-1.coder").status()).toBe("idle");
    expect(heard(world, "coder")).toHaveLength(2);
    expect(await orchestrator.session("task-task-1.tester").status()).toBe("stopped");
  });

  test("an agent that answers in the chat wakes nobody, least of all itself", async () => {
    const said = operation(chat("general", "Done, @coder says"));
    const { world, people, tracker } = await board({ coder: [said, reply("ok")] });
    people.say({ chat: "general", content: "@coder?" });
    await world.advance({ minutes: 1 });
    expect(tracker.board.messages).toHaveLength(1);
    expect(heard(world, "coder")).toHaveLength(1);
  });

  test("a prompt that came too fast is sent once its time has come", async () => {
    const { world, people } = await board(
      { coder: [reply("1"), reply("2")] },
      { rules: { ...rules, rate: { prompts: 1, perMs: 60_000 } } },
    );
    people.say({ chat: "general", content: "@coder 1" });
    people.say({ chat: "general", content: "@coder 2" });
    await world.advance({ seconds: 59 });
    expect(heard(world, "coder")).toHaveLength(1);
    await world.advance({ seconds: 2 });
    expect(heard(world, "coder")).toHaveLength(2);
  });

  test("what waits for its time is moot once the task is cancelled", async () => {
    const { world, people } = await board(
      { coder: [reply("1")] },
      { rules: { ...rules, rate: { prompts: 1, perMs: 60_000 } } },
    );
    people.say({ chat: "general", content: "@coder 1" });
    people.task({ id: "task-1", assignedTo: "coder" });
    people.task({ id: "task-1", status: "cancelled" });
    await world.advance({ minutes: 10 });
    expect(heard(world, "coder")).toHaveLength(1);
  });

  test("what happens while nobody dispatches is caught up with, and nothing is done twice", async () => {
    const { world, tracker, people, stop, start } = await board({
      coder: [reply("1"), reply("2")],
    });
    people.say({ chat: "general", content: "@coder 1" });
    await world.clock.settle();
    await stop();
    people.say({ chat: "general", content: "@coder 2" });
    await start();
    await world.clock.settle();
    expect(heard(world, "coder")).toHaveLength(2);
    expect(await recorded(world)).toEqual([
      "DispatchBegan",
      "TrackerEventSeen",
      "Dispatched",
      "TrackerEventSeen",
      "Dispatched",
    ]);
    expect(tracker.board.events).toHaveLength(2);
  });

  test("an event that the board tells twice is dealt with once", async () => {
    const tracker = fakeTracker();
    const { subscribe } = tracker;
    tracker.subscribe = async function* (options) {
      for await (const event of subscribe(options)) yield* [event, { ...event, cursor: "again" }];
    };
    const { world, people } = await board({ coder: [reply("1")] }, { tracker });
    people.say({ chat: "general", content: "@coder 1" });
    await world.clock.settle();
    expect(await recorded(world)).toEqual(["DispatchBegan", "TrackerEventSeen", "Dispatched"]);
  });

  test("wherever the process dies, the agent is told once and the session ends once", async () => {
    const script = { coder: [reply("1"), hang()] };
    const calm = await crashing(script, []);
    expect(calm.heard).toHaveLength(2);
    expect(calm.points).toBeGreaterThan(50);
    for (let at = 0; at < calm.points; at += 1) {
      const { heard: said, status } = await crashing(script, [at]);
      expect([at, said.toSorted()]).toEqual([at, calm.heard.toSorted()]);
      expect([at, status]).toEqual([at, "stopped"]);
    }
  });

  test("a second dispatcher on the same store takes over, and the first one says so", async () => {
    const { running, start } = await board({ coder: [] });
    const first = running().catch((error: unknown) => error);
    const { people, world } = await start();
    people.say({ chat: "general", content: "nothing" });
    await world.clock.settle();
    expect(await first).toMatchObject({ code: "DISPATCH_OWNED" });
  });
});

/** A board, agents and a dispatcher between them. */
async function board(
  scripts: Readonly<Record<string, readonly Step[]>>,
  options: { readonly rules?: DispatchRules; readonly tracker?: FakeTracker } = {},
) {
  const tracker = options.tracker ?? fakeTracker();
  const world = fakeWorld({ tester: [], ...scripts }, { tracker: () => tracker });
  const orchestrator = await createOrchestrator({ ...world.ports(), store: shared(world) });
  let stopping = new AbortController();
  let run: Promise<void> = Promise.resolve();
  const start = async () => {
    stopping = new AbortController();
    run = runDispatcher({
      orchestrator,
      store: world.store,
      tracker,
      rules: options.rules ?? rules,
      signal: stopping.signal,
      ignoreBefore: 0,
      clock: world.clock,
    });
    run.catch(() => {});
    await world.clock.settle();
    return { world, people: tracker.board.people };
  };
  const stop = async () => {
    stopping.abort();
    await run;
  };
  ending.push(async () => {
    stopping.abort();
    await run.catch(() => {});
    await orchestrator[Symbol.asyncDispose]();
  });
  await start();
  const { people } = tracker.board;
  return { world, tracker, orchestrator, people, start, stop, running: () => run };
}

/** The store of a world, which the orchestrator may close while others still read it. */
function shared(world: FakeWorld) {
  return { ...world.store, close: async () => {} };
}

/** Lives and dies at these points, then lives on; tells what came of it. */
async function crashing(
  scripts: Readonly<Record<string, readonly Step[]>>,
  crashAt: readonly number[],
) {
  const tracker = fakeTracker();
  const world = fakeWorld(scripts, {
    tracker: () => fakeTracker({ board: tracker.board }),
    crashAt,
  });
  await world.store.open();
  const { people } = tracker.board;
  people.say({ chat: "general", content: "@coder 1" });
  people.task({ id: "task-1", assignedTo: "coder" });
  let orchestrator: Orchestrator | null = null;
  let status = "";
  let isCancelled = false;
  for (let died = true; died;) {
    died = false;
    const ports = world.ports();
    world.crashed.then(
      () => (died = true),
      () => {},
    );
    const stopping = new AbortController();
    const living = (async () => {
      orchestrator = await createOrchestrator(ports);
      await runDispatcher({
        orchestrator,
        store: ports.store,
        tracker,
        rules,
        signal: stopping.signal,
        ignoreBefore: 0,
        clock: world.clock,
      });
    })();
    living.catch(() => {});
    await world.advance({ minutes: 2 });
    if (!died && !isCancelled) {
      isCancelled = true;
      people.task({ id: "task-1", status: "cancelled" });
    }
    await world.advance({ minutes: 10 });
    // A process that died asks nothing more: the next life finds what it left.
    stopping.abort();
    if (died || orchestrator === null) continue;
    status = await (orchestrator as Orchestrator).session("task-task-1.coder").status();
  }
  // What the core says itself after a process died is not dispatch's.
  const told = heard(world, "coder").filter((text) => !text.startsWith("Your previous process"));
  return { heard: told, status, points: world.points.length };
}

function heard(world: FakeWorld, agent: string): string[] {
  return world.host.brain(agent).heard.map(({ text }) => text.trim());
}

async function recorded(world: FakeWorld): Promise<string[]> {
  const events: StoredEvent[] = [];
  for await (const page of world.store.read("$dispatch")) events.push(...page);
  return events.map(({ type }) => type);
}
