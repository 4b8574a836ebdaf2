import { playOut } from "@waybill/core/testing";
import { seededRandom } from "./random.ts";
import { logOfTomorrow } from "./points/log-of-tomorrow.ts";
import { sessions, setting } from "./points/story.ts";
import { judge } from "./simulate/verdict.ts";

/** Where to crash. */
export interface PointsOptions {
  /** After every single point, also this many pairs of points, chosen by the seed; or every pair. */
  readonly pairs: number | "all";
  readonly seed: number;
  /** Whether the Tracker honours keys; without, Waybill looks up. */
  readonly keys: boolean;
  readonly shard: { readonly part: number; readonly parts: number };
  /** One crash, or several in one story, instead of all that. */
  readonly at: readonly number[] | null;
}

/** What all crashes together came to. */
export interface PointsSummary {
  /** Points in the calm story, before and after each call of the orchestrator. */
  readonly points: number;
  /** Pairs of points that were tried, and how many there are in this part. */
  readonly pairs: number;
  readonly ofPairs: number;
  /** How many times the story was played. */
  readonly stories: number;
  readonly seed: number;
  readonly lost: number;
  readonly repeated: number;
  /** Stories that did not end as the calm one does. */
  readonly differences: number;
  readonly seconds: number;
}

interface Ending {
  readonly board: readonly string[];
  readonly answers: readonly (readonly [string, string])[];
  readonly lost: number;
  readonly repeated: number;
  readonly problems: readonly string[];
  readonly points: readonly string[];
}

/** Plays the story again and again, and lets the orchestrator die at each point and at pairs of them. */
export async function crashEverywhere(
  options: PointsOptions,
  tell: (text: string) => void,
): Promise<PointsSummary> {
  const startedAt = performance.now();
  const { keys, shard, seed } = options;
  const calm = await play({ keys, crashAt: [] });
  const sums = { pairs: 0, ofPairs: 0, stories: 0, lost: 0, repeated: 0, differences: 0 };
  const summary = (): PointsSummary => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    return { points: calm.points.length, ...sums, seed, seconds };
  };
  const crash = async (...crashAt: readonly number[]): Promise<Ending> => {
    const ending = await play({ keys, crashAt });
    const problems = [...ending.problems, ...differences(calm, ending)];
    sums.stories += 1;
    sums.lost += ending.lost + missing(calm.board, ending.board).length;
    sums.repeated += ending.repeated + missing(ending.board, calm.board).length;
    if (problems.length === 0) return ending;
    sums.differences += 1;
    const where = crashAt.map((point) => `${point} (${ending.points[point]})`).join(" and ");
    const again = `pnpm chaos --points all --at ${crashAt.join(",")}${keys ? "" : " --no-keys"}`;
    tell(`A crash at ${where}: ${problems.join("; ")}\nAgain: ${again}`);
    return ending;
  };

  const before = [...calm.problems, ...(await logOfTomorrow())];
  if (before.length > 0) {
    tell(`Without any crash: ${before.join("; ")}`);
    return { ...summary(), lost: calm.lost, repeated: calm.repeated, differences: before.length };
  }
  if (options.at !== null) {
    await crash(...options.at);
    return summary();
  }
  const pairs: (readonly [number, number])[] = [];
  for (const first of ofShard(calm.points.length, shard)) {
    const { points } = await crash(first);
    if (isChange(points[first])) pairs.push(...secondsAfter(first, points));
  }
  sums.ofPairs = pairs.length;
  for (const pair of options.pairs === "all" ? pairs : sample(pairs, options.pairs, seed)) {
    sums.pairs += 1;
    await crash(...pair);
    if (sums.pairs % 1_000 === 0) tell(`${sums.pairs} pairs`);
  }
  return summary();
}

/** Each place at which the process that was started after the first crash may die in its turn. */
function secondsAfter(
  first: number,
  points: readonly string[],
): readonly (readonly [number, number])[] {
  return points.flatMap((point, second) =>
    second > first && isChange(point) ? [[first, second] as const] : [],
  );
}

/** So many of the items, each at most once, by the seed. */
function sample<Item>(items: readonly Item[], count: number, seed: number): readonly Item[] {
  const random = seededRandom(seed);
  const left = [...items];
  const chosen: Item[] = [];
  while (chosen.length < count && left.length > 0) {
    const place = Math.floor(random() * left.length);
    const [item] = left.splice(place, 1, ...left.splice(-1));
    if (item !== undefined) chosen.push(item);
  }
  return chosen;
}

async function play(options: {
  readonly keys: boolean;
  readonly crashAt: readonly number[];
}): Promise<Ending> {
  const { world, board, answers, program } = await setting(options);
  const stuck: string[] = [];
  await playOut(world, program, { minutes: 240 }).catch((error: Error) =>
    stuck.push(error.message),
  );
  await world.store.open();
  const verdict = await judge({ world, board, sessions, states: [], forgetful: true });
  return {
    board: [
      ...board.messages.map(({ target, content }) => `${target}: ${content}`),
      ...board.comments.map(({ target, content }) => `${target}: ${content}`),
      ...board.changes.map(({ target, status }) => `${target} is ${status}`),
    ],
    answers: [...answers],
    ...verdict,
    problems: [...stuck, ...verdict.problems],
    points: world.points,
  };
}

/**
 * What a process knows dies with it, so a crash between two calls that change the world is the same
 * wherever it comes. Pairs are made of one point for each such place: right after each change.
 */
function isChange(point: string | undefined): boolean {
  return point !== undefined && change.test(point);
}

const change =
  /^after (store\.(append|claim)|transport\.(start|stop|remove)|mailbox\.(put|remove)|item of mailbox\.receive|tracker\.perform)$/;

/** Every n-th point, so that all parts have the same share of early and late ones. */
function ofShard(points: number, { part, parts }: PointsOptions["shard"]): readonly number[] {
  const all = Array.from({ length: points }, (_, point) => point);
  return all.filter((point) => point % parts === part - 1);
}

function differences(calm: Ending, ending: Ending): readonly string[] {
  const found: string[] = [];
  if (ending.board.join("\n") !== calm.board.join("\n")) {
    found.push(`the board shows ${ending.board.join(", ")}`);
  }
  for (const [question, answer] of calm.answers) {
    const given = new Map(ending.answers).get(question);
    if (given !== answer) found.push(`${question} was answered with "${given}"`);
  }
  return found;
}

function missing(from: readonly string[], list: readonly string[]): readonly string[] {
  const left = [...list];
  return from.filter((entry) => {
    const place = left.indexOf(entry);
    if (place !== -1) left.splice(place, 1);
    return place === -1;
  });
}
