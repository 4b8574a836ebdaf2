import { describe, expect, test } from "vitest";
import type { TrackerEvent, TrackerHappening } from "@waybill/core";
import { dispatch, type DispatchInput } from "../src/dispatch/dispatch.ts";
import { evolveDispatch, nothingDispatched } from "../src/dispatch/dispatch-state.ts";
import { wholeRules, type DispatchRules } from "../src/dispatch/rules.ts";
import { dispatchedSession } from "../src/dispatch/session-id.ts";
import { fillTemplate } from "../src/dispatch/template.ts";

const rules: DispatchRules = { agents: { coder: { name: "Кодер" }, tester: { name: "Тестер" } } };
const ann = { type: "human", name: "Ann" };

describe("dispatch", () => {
  test("a task that is given to an agent opens a session with a prompt and that task alone", () => {
    const decision = board().sees(assigned("t1", "coder"));
    expect(decision.commands).toEqual([
      {
        type: "prompt",
        agent: "coder",
        session: "task-t1.coder",
        scope: { chats: [], tasks: ["t1"] },
        text: "Task t1 is yours now: Mend it\n\nIt is broken.",
        from: null,
        at: 0,
        depth: 0,
      },
    ]);
    expect(decision.bind).toEqual({ task: "t1", session: "task-t1.coder", agent: "coder" });
  });

  test("nothing happens for a task of a person, one that is done, and one that is too old", () => {
    const world = board();
    expect(world.sees(assigned("t1", "ann"))).toMatchObject({
      commands: [],
      reasons: [{ reason: "not_ours" }],
    });
    const done = assigned("t1", "coder", { status: "done" });
    expect(world.sees(done)).toMatchObject({
      commands: [],
      reasons: [{ reason: "not_dispatchable", detail: "it is done" }],
    });
    expect(world.sees(assigned("t1", "coder"), { at: -1 })).toMatchObject({
      commands: [],
      reasons: [{ reason: "too_old" }],
    });
  });

  test("a Tracker may decide for itself which tasks are to be worked on", () => {
    const own: DispatchRules = {
      ...rules,
      dispatchable: ({ labels }) =>
        labels.includes("ready") ? { yes: true } : { yes: false, reason: "it is not ready" },
    };
    expect(board(own).sees(assigned("t1", "coder")).commands).toEqual([]);
    const ready = assigned("t1", "coder", { labels: ["ready"] });
    expect(board(own).sees(ready).commands).toHaveLength(1);
  });

  test("a rule that throws is written down, and later events are dealt with", () => {
    const own: DispatchRules = {
      ...rules,
      dispatchable: ({ title }) => {
        if (title === "") throw new Error("no title");
        return { yes: true };
      },
    };
    const world = board(own);
    expect(world.sees(assigned("t1", "coder", { title: "" }))).toMatchObject({
      commands: [],
      reasons: [{ agent: "coder", reason: "rule_failed", detail: "Error: no title" }],
    });
    expect(world.sees(assigned("t2", "coder")).commands).toHaveLength(1);
  });

  test("a task that is given to another agent ends the first one's session at once", () => {
    const world = board();
    world.sees(assigned("t1", "coder"));
    expect(world.sees(reassigned("t1", "coder", "tester")).commands).toMatchObject([
      { type: "end", session: "task-t1.coder", how: "stop" },
      { type: "prompt", session: "task-t1.tester" },
    ]);
    expect(world.sees(reassigned("t1", "tester", null))).toMatchObject({
      commands: [{ type: "end", session: "task-t1.tester" }],
      bind: { session: null },
    });
  });

  test("a cancelled task ends the session that works on it, and a second cancel nothing", () => {
    const world = board();
    world.sees(assigned("t1", "coder"));
    const cancelled: TrackerHappening = {
      type: "task.cancelled",
      task: task("t1", "coder", { status: "cancelled" }),
    };
    expect(world.sees(cancelled).commands).toEqual([
      { type: "end", session: "task-t1.coder", how: "stop" },
    ]);
    expect(world.sees(cancelled).commands).toEqual([]);
  });

  test("an agent that takes a task itself gets no second session, and a cancel finds its own", () => {
    const world = board();
    const actor = { session: "by-hand", agent: "coder" };
    expect(world.sees(assigned("t1", "coder"), { actor })).toMatchObject({
      commands: [],
      reasons: [{ reason: "own_doing" }],
    });
    const handedOn = world.sees(reassigned("t1", "coder", "tester"), { actor });
    expect(handedOn.commands).toMatchObject([
      { type: "end", session: "by-hand", how: "close" },
      { type: "prompt", session: "task-t1.tester" },
    ]);
  });

  test("whoever is called upon by slug or name, or is answered, is told the message", () => {
    const world = board();
    const both = said("hi", { mentions: ["coder", "ТЕСТЕР", "КОДЕР", "nobody"] });
    expect(world.sees(both).commands).toMatchObject([
      { session: "chat-general.coder", from: "Ann", scope: { chats: ["general"], tasks: [] } },
      { session: "chat-general.tester" },
    ]);
    const answer = said("yes", {
      replyTo: { id: "m1", author: { type: "agent", name: "Кодер" } },
    });
    expect(world.sees(answer).commands).toMatchObject([{ session: "chat-general.coder" }]);
    expect(world.sees(said("just talk")).commands).toEqual([]);
  });

  test("a message goes to the session of the agent's newest task, where it may speak there", () => {
    const speaking: DispatchRules = {
      agents: { coder: { name: "Кодер", scope: { chats: ["general"] } } },
    };
    const world = board(speaking);
    world.sees(assigned("t1", "coder"));
    world.sees(assigned("t2", "coder"));
    const called = said("how far?", { mentions: ["coder"] });
    expect(world.sees(called).commands).toMatchObject([{ session: "task-t2.coder" }]);
    const elsewhere = said("hi", { chat: "other", mentions: ["coder"] });
    expect(world.sees(elsewhere).commands).toMatchObject([{ session: "chat-other.coder" }]);
  });

  test("agents that wake each other stop after so many turns, until a person speaks", () => {
    const world = board();
    const speakers = [
      { author: { type: "agent", name: "Кодер" }, mentions: ["tester"] },
      { author: { type: "agent", name: "Тестер" }, mentions: ["coder"] },
    ];
    const prompts = Array.from({ length: 10 }, (_, turn) =>
      world.sees(said("and?", speakers[turn % 2] ?? {})),
    ).map(({ commands }) => commands.length);
    expect(prompts).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    expect(world.sees(said("go on", { mentions: ["coder"] })).commands).toHaveLength(1);
    expect(world.sees(said("and?", speakers[0])).commands).toHaveLength(1);
  });

  test("agents that give a task to each other stop after so many turns", () => {
    const world = board();
    world.sees(assigned("t1", "coder"));
    const prompts = Array.from({ length: 8 }, (_, turn) => {
      const [from, to] =
        turn % 2 === 0 ? (["coder", "tester"] as const) : (["tester", "coder"] as const);
      const actor = { session: `task-t1.${from}`, agent: from };
      return world.sees(reassigned("t1", from, to), { actor });
    }).map(({ commands }) => commands.filter(({ type }) => type === "prompt").length);
    expect(prompts).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
  });

  test("agents that make new tasks for each other stop after so many turns as well", () => {
    const world = board();
    world.sees(assigned("t0", "coder"));
    const give = (turn: number, actor?: DispatchInput["actor"]) => {
      const to = turn % 2 === 0 ? "coder" : "tester";
      return world.sees(assigned(`t${turn}`, to), actor === undefined ? {} : { actor });
    };
    const wokenBy = (turn: number): NonNullable<DispatchInput["actor"]> => {
      const agent = turn % 2 === 0 ? "coder" : "tester";
      return { session: `task-t${turn}.${agent}`, agent };
    };
    const prompts = [1, 2, 3, 4, 5].map((turn) => give(turn, wokenBy(turn - 1)));
    expect(prompts.map(({ commands }) => commands.length)).toEqual([1, 1, 1, 1, 0]);
    expect(prompts[4]?.reasons).toMatchObject([{ reason: "loop" }]);
    // Not through a chat either, in which nobody has spoken yet.
    const aside = said("and?", { chat: "side", mentions: ["tester"] });
    expect(world.sees(aside, { actor: wokenBy(4) }).reasons).toMatchObject([{ reason: "loop" }]);
    // A person steps in, and it begins anew.
    expect(give(8).commands).toHaveLength(1);
    expect(give(9, wokenBy(8)).commands).toHaveLength(1);
  });

  test("one agent may give work to many", () => {
    const world = board();
    world.sees(assigned("t0", "coder"));
    const actor = { session: "task-t0.coder", agent: "coder" };
    const tasks = Array.from({ length: 10 }, (_, index) => assigned(`sub-${index}`, "tester"));
    expect(tasks.map((each) => world.sees(each, { actor }).commands.length)).toEqual(
      tasks.map(() => 1),
    );
  });

  test("an agent does not wake itself, and a person with an agent's name is no agent", () => {
    const world = board();
    const own = { author: { type: "agent", name: "Кодер" }, mentions: ["coder"] };
    expect(world.sees(said("I, @coder", own))).toMatchObject({
      commands: [],
      reasons: [{ reason: "own_doing" }],
    });
    const namesake = { author: { type: "human", name: "Кодер" }, mentions: ["coder"] };
    expect(world.sees(said("hi", namesake)).commands).toHaveLength(1);
  });

  test("an agent that had its share of prompts gets the next one later, or not at all", () => {
    const world = board({
      ...rules,
      rate: { prompts: 2, perMs: 1_000 },
      longestWaitMs: 1_500,
    });
    const call = said("hi", { mentions: ["coder"] });
    const times = Array.from({ length: 5 }, () => world.sees(call, { now: 100 })).map(
      ({ commands, reasons }) =>
        commands[0]?.type === "prompt" ? commands[0].at : reasons[0]?.reason,
    );
    expect(times).toEqual([100, 100, 1_100, 1_100, "rate_limited"]);
    expect(world.sees(said("hi", { mentions: ["tester"] }), { now: 100 }).commands).toHaveLength(1);
  });

  test("rules that cannot be meant are refused with the fix", () => {
    const broken = (change: Partial<DispatchRules>) => () => wholeRules({ ...rules, ...change });
    expect(broken({ agents: { coder: { name: "К", taskPrompt: "Do {{task.titel}}" } } })).toThrow(
      /"task.titel".*task.title/,
    );
    expect(
      broken({ agents: { coder: { name: "К", chatPrompt: "Do {{message.content}" } } }),
    ).toThrow(/without its other half/);
    expect(broken({ agents: { coder: { name: "Bob" }, bob: { name: "B" } } })).toThrow(
      /both go by/,
    );
    expect(broken({ longestWaitMs: Number.NaN })).toThrow(/NaN ms.*0 or more/);
    expect(broken({ rate: { prompts: 0, perMs: 1 } })).toThrow(/at least|Give 1 to/);
  });
});

test("a template never looks into what it is filled with", () => {
  const values = { a: "{{b}} $& $1", b: "secret" };
  expect(fillTemplate("<{{ a }}>", values)).toBe("<{{b}} $& $1>");
  expect(() => fillTemplate("{{toString}}", values)).toThrow(/toString/);
});

test("a session's id fits whatever the board calls its things, and no two are the same", () => {
  expect(dispatchedSession("task", "42", "coder")).toBe("task-42.coder");
  const odd = ["a/b", "a b", "x".repeat(80), "../..", "задача"];
  const ids = odd.map((id) => dispatchedSession("task", id, "coder"));
  expect(new Set(ids).size).toBe(odd.length);
  for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
});

/** A board whose events are decided one after another. */
function board(given: DispatchRules = rules) {
  const whole = wholeRules(given);
  let state = evolveDispatch(
    nothingDispatched,
    { type: "DispatchBegan", data: { ignoreBefore: 0 } },
    0,
  );
  let number = 0;
  return {
    sees(
      happening: TrackerHappening,
      options: { at?: number; now?: number; actor?: DispatchInput["actor"] } = {},
    ) {
      number += 1;
      const { at = 0, now = 0, actor = null } = options;
      const place = { id: `e${number}`, cursor: String(number), at, cause: null };
      const event: TrackerEvent = { ...place, ...happening };
      const decision = dispatch({ event, now, actor }, whole, state);
      state = evolveDispatch(state, { type: "TrackerEventSeen", data: decision }, now);
      return decision;
    },
  };
}

function task(id: string, assignedTo: string | null, more: object = {}) {
  const facts = { title: "Mend it", description: "It is broken.", status: "todo", labels: [] };
  return { id, assignedTo, ...facts, ...more };
}

function assigned(id: string, to: string, more: object = {}): TrackerHappening {
  return { type: "task.assigned", task: task(id, to, more) };
}

function reassigned(id: string, previous: string, to: string | null): TrackerHappening {
  return { type: "task.reassigned", previous, task: task(id, to) };
}

function said(content: string, more: object = {}): TrackerHappening {
  const facts = { id: "m2", chat: "general", author: ann, mentions: [], replyTo: null };
  return { type: "chat.message", message: { ...facts, content, ...more } };
}
