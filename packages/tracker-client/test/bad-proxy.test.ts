import { setTimeout as wait } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createOrchestrator } from "@waybill/core";
import type { TrackerOperation } from "@waybill/core";
import { fakeWorld, operation, reply } from "@waybill/core/testing";
import { referenceTracker, tally } from "@waybill/tracker-client/testing";
import { badProxy } from "./bad-proxy.ts";
import { clientOf } from "./boards.ts";
import { seededRandom } from "./seeded-random.ts";

const agents = Array.from({ length: 10 }, (_, index) => `agent-${index}`);
const perAgent = 100;
const targets = ["alpha", "beta", "gamma"];

test(
  "1,000 operations through a bad proxy: each delivered once, in order, and every answer heard",
  { timeout: 240_000 },
  async () => {
    const board = await referenceTracker({
      seed: {
        chats: targets.map((id) => ({ id })),
        tasks: targets.map((id) => ({ id, title: id })),
      },
    });
    const proxy = await badProxy(board.url, { random: seededRandom(8), lateMs: 200 });
    onTestFinished(async () => {
      await proxy.close();
      await board.close();
    });
    const scripts = Object.fromEntries(
      agents.map((agent) => [
        agent,
        [
          ...Array.from({ length: perAgent }, (_, index) => operation(asked(agent, index))),
          reply("all done"),
        ],
      ]),
    );
    const far = 1e9;
    const world = fakeWorld(scripts, {
      tracker: () => {
        const there = { url: proxy.url, token: board.token };
        // Whether the board is there at all is asked with more patience.
        return { ...clientOf(there, { timeoutMs: 150 }), check: clientOf(there).check };
      },
      // The clock stands for nothing here: it is moved on as fast as the real connections allow.
      policy: { stallMs: far, turnMs: null, idleMs: far, operationMs: far, startMs: far },
    });
    const ports = world.ports();
    await using orchestrator = await createOrchestrator(ports);
    const sessions = await Promise.all(
      agents.map((agent) =>
        orchestrator.open({ id: agent, agent, scope: { chats: "any", tasks: "any" } }),
      ),
    );
    const turns = Promise.all(sessions.map((session) => session.ask("go")));
    let over = false;
    void turns.then(() => (over = true));
    while (!over) {
      await world.advance({ seconds: 1 });
      await wait(1);
    }
    expect((await turns).map(({ outcome }) => outcome)).toEqual(agents.map(() => "completed"));

    const contents = agents.flatMap((agent) =>
      Array.from({ length: perAgent }, (_, index) => asked(agent, index).content),
    );
    expect(tally(board.records, contents)).toMatchObject({
      asked: 1_000,
      delivered: 1_000,
      lost: 0,
      repeated: 0,
    });
    for (const agent of agents) {
      const rows = [...board.records.messages, ...board.records.comments];
      for (const target of targets) {
        for (const kind of ["chat_id", "task_id"] as const) {
          const numbers = rows
            .filter((row) => kind in row && Object.values(row).includes(target))
            .filter(({ content }) => content.startsWith(`${agent} `))
            .map(({ content }) => Number(content.split(" ")[1]));
          expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
          expect(numbers.length).toBeGreaterThan(0);
        }
      }
      const { answers } = world.host.brain(agent);
      expect(answers.map(({ status }) => status)).toEqual(
        Array.from({ length: perAgent }, () => "delivered"),
      );
      // The agent's own answer, and no other's: in the order in which it asked.
      expect(answers.map(({ re }) => re)).toEqual(
        answers.map(({ re }) => re).toSorted((a, b) => a - b),
      );
      expect(new Set(answers.map(({ re }) => re)).size).toBe(perAgent);
    }
    const { absorbed } = board;
    console.log("1,000 operations:", { ...Object.fromEntries(proxy.mishaps), absorbed });
    // Nothing of this is worth anything without the mishaps.
    for (const mishap of [
      "drop before",
      "drop after",
      "late answer",
      "late commit",
      429,
      503,
    ] as const) {
      expect(proxy.mishaps.get(mishap), String(mishap)).toBeGreaterThan(10);
    }
    expect(absorbed).toBeGreaterThan(10);
  },
);

function asked(agent: string, index: number): TrackerOperation & { readonly content: string } {
  const target = targets[Math.floor(index / 2) % targets.length] ?? "";
  const content = `${agent} ${index}`;
  return index % 2 === 0
    ? { type: "chat.send", chat: target, content }
    : { type: "task.comment", task: target, content };
}
