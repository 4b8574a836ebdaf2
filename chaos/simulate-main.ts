import { parseArgs } from "node:util";
import { count } from "./count.ts";
import { simulate, type Played } from "./simulate.ts";

const usage = `pnpm chaos --simulate [--seed N] [--runs 1] [--story] [--json]

Plays whole lives of the runtime over fakes, on a clock that stands still: random crashes, freezes and
awakenings, slow and lost and doubled calls, clocks that are wrong, agents that die. One seed gives the
same log byte for byte, so each run can be played again. Prints a summary object last.

  --seed N    the first seed (default: a fresh one, printed)
  --runs N    how many seeds from there
  --story     tells what happened, and the log
  --json      the summary as JSON`;

/** Runs the simulation as the command line says; resolves with the exit code. */
export async function simulateMain(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      simulate: { type: "boolean" },
      seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
      runs: { type: "string", default: "1" },
      story: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const seed = count("seed", values.seed);
  const runs = count("runs", values.runs);
  const summary = await simulate({ seed, runs }, (played) => {
    if (values.story) tellStory(played);
    if (played.problems.length === 0) return;
    for (const problem of played.problems) console.error(`seed ${played.seed}: ${problem}`);
    console.error(`Again: pnpm chaos --simulate --seed ${played.seed} --story`);
  });
  console.log(values.json ? JSON.stringify(summary) : summary);
  return summary.failing.length === 0 ? 0 : 1;
}

function tellStory({ story, log }: Played): void {
  console.error(story.join("\n"));
  console.error(log.join("\n"));
}
