import { createHash } from "node:crypto";
import { checkLimits } from "./simulate/limits.ts";
import { plotOf, type Plot } from "./simulate/plot.ts";
import { Stage } from "./simulate/stage.ts";
import { judge, wholeLog } from "./simulate/verdict.ts";

/** Which plots to play. */
export interface SimulateOptions {
  /** The first seed. */
  readonly seed: number;
  /** How many seeds from there. */
  readonly runs: number;
}

/** What all plots together came to. */
export interface SimulateSummary {
  readonly seed: number;
  readonly runs: number;
  readonly events: number;
  readonly lives: number;
  /** Simulated hours. */
  readonly hours: number;
  readonly lost: number;
  readonly repeated: number;
  /** Seeds whose promises were broken; each can be played again by itself. */
  readonly failing: readonly number[];
  /** What was broken, the first few. */
  readonly problems: readonly string[];
  /** Of every log: the same seeds give the same one, byte for byte. */
  readonly digest: string;
}

/** How a plot ended. */
export interface Played {
  readonly seed: number;
  readonly lost: number;
  readonly repeated: number;
  readonly problems: readonly string[];
  readonly lives: number;
  readonly hours: number;
  /** The whole store, an event a line. */
  readonly log: readonly string[];
  readonly story: readonly string[];
}

/** One seed of so many is played twice: a log that differs then is no evidence of anything. */
const twiceEvery = 10;

/** Simulated hours in which everybody must have come to an end once nothing goes wrong any more. */
const limitHours = 100;

/** Plays the plots of many seeds, one after the other. */
export async function simulate(
  options: SimulateOptions,
  tell: (played: Played) => void,
): Promise<SimulateSummary> {
  const sums = { events: 0, lives: 0, hours: 0, lost: 0, repeated: 0 };
  const failing: number[] = [];
  const problems: string[] = [];
  const digest = createHash("sha256");
  for (let seed = options.seed; seed < options.seed + options.runs; seed += 1) {
    const played = await playSeed(seed, options.runs === 1 || seed % twiceEvery === 0);
    tell(played);
    for (const line of played.log) digest.update(`${line}\n`);
    sums.events += played.log.length;
    sums.lives += played.lives;
    sums.hours += played.hours;
    sums.lost += played.lost;
    sums.repeated += played.repeated;
    if (played.problems.length === 0) continue;
    failing.push(seed);
    problems.push(...played.problems.map((problem) => `seed ${seed}: ${problem}`));
  }
  return {
    seed: options.seed,
    runs: options.runs,
    ...sums,
    hours: Math.round(sums.hours),
    failing,
    problems: problems.slice(0, 20),
    digest: digest.digest("hex"),
  };
}

/** Plays the plot of one seed, and where asked for a second time, to the same log byte for byte. */
async function playSeed(seed: number, twice: boolean): Promise<Played> {
  const played = await playOnce(seed);
  if (!twice) return played;
  const again = await playOnce(seed);
  const line = played.log.findIndex((each, place) => each !== again.log[place]);
  if (line === -1 && played.log.length === again.log.length) return played;
  const problem = `played again, it gives another log from event ${line + 1} on`;
  return { ...played, problems: [...played.problems, problem] };
}

/** Plays the plot of one seed to its end. */
async function playOnce(seed: number): Promise<Played> {
  const plot = plotOf(seed);
  const stage = new Stage(plot);
  try {
    return await playOut(plot, stage);
  } catch (error) {
    // A story that breaks off proves nothing, and its seed must be known.
    const problem = `the story broke off: ${String(error)}`;
    const { lives, hours, story } = stage;
    return { seed, lost: 0, repeated: 0, problems: [problem], lives, hours, log: [], story };
  }
}

async function playOut(plot: Plot, stage: Stage): Promise<Played> {
  const { seed } = plot;
  for (let act = 0; act < plot.acts; act += 1) await stage.act();
  stage.settleDown();
  const until = stage.hours + limitHours;
  while (!stage.done && stage.hours < until) await stage.world.advance({ seconds: 30 });

  await stage.world.advance({ minutes: 1 }); // what was just recorded is known everywhere
  const problems = stage.done ? [] : [`nobody came to an end in ${limitHours} hours`];
  const states = await stage.states();
  await stage.end();
  const verdict = await judge({
    world: stage.world,
    board: stage.board,
    sessions: new Map(
      plot.parts.map(({ session, messages }) => [session, messages.map(({ text }) => text)]),
    ),
    states,
    forgetful: stage.forgotten > 0,
  });
  await checkLimits(stage.world, plot.limits, stage.porters, problems);
  return {
    seed,
    ...verdict,
    problems: [...problems, ...stage.rash, ...verdict.problems],
    lives: stage.lives,
    hours: stage.hours,
    log: await wholeLog(stage.world),
    story: stage.story,
  };
}
