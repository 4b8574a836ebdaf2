import { playOut } from "@waybill/core/testing";
import { logOfTomorrow } from "./points/log-of-tomorrow.ts";
import { sessions, setting } from "./points/story.ts";
import { judge } from "./simulate/verdict.ts";

/** Where to crash. */
export interface PointsOptions {
  /** At every pair of points instead of at every single one. */
  readonly pairs: boolean;
  readonly keys: boolean;
  readonly shard: { readonly part: number; readonly parts: number };
}

/** What all crashes together came to. */
export interface PointsSummary {
  /** Points in the calm story, before and after each call of the orchestrator. */
  readonly points: number;
  /** Pairs of points that were tried; 0 without `--pairs`. */
  readonly pairs: number;
  readonly stories: number;
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

/** Plays the story once for each point, or pair of points, and lets the orchestrator die there. */
export async function crashEverywhere(
  options: PointsOptions,
  tell: (text: string) => void,
): Promise<PointsSummary> {
  const startedAt = performance.now();
  const { keys, shard } = options;
  const calm = await play({ keys, crashAt: [] });
  const sums = { pairs: 0, stories: 0, lost: 0, repeated: 0, differences: 0 };
  const summary = (): PointsSummary => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    return { points: calm.points.length, ...sums, seconds };
  };
  const compare = (ending: Ending, crashAt: readonly number[]): void => {
    const problems = [...ending.problems, ...differences(calm, ending)];
    sums.stories += 1;
    sums.lost += ending.lost + missing(calm.board, ending.board).length;
    sums.repeated += ending.repeated + missing(ending.board, calm.board).length;
    if (problems.length === 0) return;
    sums.differences += 1;
    const where = crashAt.map((point) => `${point} (${ending.points[point]})`).join(" and ");
    tell(`A crash at ${where}: ${problems.join("; ")}`);
  };

  const before = [...calm.problems, ...(await logOfTomorrow())];
  if (before.length > 0) {
    tell(`Without any crash: ${before.join("; ")}`);
    return { ...summary(), lost: calm.lost, repeated: calm.repeated, differences: before.length };
  }
  for (const first of ofShard(calm.points.length, shard)) {
    if (options.pairs && !isChange(calm.points[first])) continue;
    const once = await play({ keys, crashAt: [first] });
    if (!options.pairs) {
      compare(once, [first]);
      continue;
    }
    for (let second = first + 1; second < once.points.length; second += 1) {
      if (!isChange(once.points[second])) continue;
      sums.pairs += 1;
      compare(await play({ keys, crashAt: [first, second] }), [first, second]);
    }
    tell(`${first + 1} of ${calm.points.length} points, ${sums.pairs} pairs`);
  }
  return summary();
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
