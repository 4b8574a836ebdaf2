import { expect, test } from "vitest";
import { createOrchestrator, type AuthorisationPolicy } from "@waybill/core";
import {
  chat,
  exit,
  fakeTracker,
  fakeWorld,
  operation,
  reply,
  type FakeWorld,
} from "@waybill/core/testing";

const script = [
  operation(chat("7", "one")),
  operation({ type: "task.take", task: "42" }),
  reply("first"),
  operation(chat("7", "two")),
  exit(137),
  operation(chat("7", "three")),
  reply("second"),
  operation({ type: "task.comment", task: "42", content: "four" }),
  operation({ type: "task.complete", task: "42" }),
  reply("third"),
];

interface Story {
  readonly world: FakeWorld;
  readonly board: readonly string[];
  readonly lives: number;
}

/** The user's program: every step may be repeated, so after a crash it begins again from the top. */
async function user(world: FakeWorld, authorise?: AuthorisationPolicy): Promise<void> {
  const policy = authorise === undefined ? {} : { authorise };
  const orchestrator = await createOrchestrator({ ...world.ports(), ...policy });
  const scope = authorise === undefined ? { chats: ["7"], tasks: ["42"] } : {};
  const session = await orchestrator.open({ id: "s", agent: "coder", scope });
  for (const key of ["one", "two", "three"]) {
    await session.ask(`do ${key}`, { idempotencyKey: key });
  }
  await session.close();
  await orchestrator[Symbol.asyncDispose]();
}

async function play(
  keys: boolean,
  crashAt: readonly number[],
  authorise?: AuthorisationPolicy,
): Promise<Story> {
  const { board } = fakeTracker({ chats: ["7"], tasks: ["42"] });
  const world = fakeWorld(
    { coder: script },
    { tracker: () => fakeTracker({ board, keys }), crashAt },
  );
  let done = false;
  let lives = 0;
  while (!done) {
    lives += 1;
    if (lives > 10) throw new Error(`The story does not end. Crashes at ${crashAt.join(", ")}.`);
    const played = user(world, authorise).then(() => true);
    const crashed = world.crashed.then(() => false);
    const clock = (async () => {
      for (let minute = 0; minute < 40; minute += 1) await world.advance({ seconds: 15 });
      return null;
    })();
    const end = await Promise.race([played, crashed, clock]);
    if (end === null)
      throw new Error(`Nothing happens any more. Crashes at ${crashAt.join(", ")}.`);
    done = end;
  }
  const { messages, comments, changes } = board;
  return {
    world,
    lives,
    board: [
      ...messages.map(({ content }) => content),
      ...comments.map(({ content }) => content),
      ...changes.map(({ status }) => status),
    ],
  };
}

test.each([
  ["a Tracker that honours keys", true, undefined],
  ["a Tracker that is looked up", false, undefined],
  // None of it is in the scope.
  ["a policy that is asked", true, async () => true],
] as const)(
  "at every point of its life the orchestrator may die: the board is the same, with %s",
  async (_, keys, authorise) => {
    const calm = await play(keys, [], authorise);
    expect(calm.board).toEqual(["one", "two", "three", "four", "in_progress", "done"]);
    const points = calm.world.points.length;
    expect(points).toBeGreaterThan(100);
    for (let point = 0; point < points; point += 1) {
      const { board, world } = await play(keys, [point], authorise);
      expect(board, `after a crash at point ${point}: ${world.points[point]}`).toEqual(calm.board);
      expect(world.host.live(), `live runs after ${world.points[point]}`).toEqual([]);
    }
  },
);
