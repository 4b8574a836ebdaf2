import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { count } from "./count.ts";
import { crashEverywhere, type PointsOptions, type PointsSummary } from "./points.ts";

const usage = `pnpm chaos --points all [--pairs 500|all] [--shard 1/1] [--no-keys] [--seed N] [--json]

Plays a session that uses every feature, and lets the orchestrator die at every point of its life,
before and after each call that it makes: one by one, and then at pairs of places between which
something changed. After each, the board must look as if nothing had happened. Prints a summary last.

  --pairs        how many pairs, or "all" of some sixty thousand, which takes about twenty minutes
  --seed N       which pairs (default: fresh ones; the seed is in the summary)
  --shard i/n    only the i-th of n parts, to share the work among processes
  --at 7,120     the story once, with crashes at these points
  --no-keys      with a Tracker that is looked up instead of one that honours keys
  --json         the summary as JSON`;

/** Crashes everywhere, as the command line says; resolves with the exit code. */
export async function pointsMain(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      points: { type: "string", default: "all" },
      pairs: { type: "string", default: "500" },
      seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
      at: { type: "string" },
      shard: { type: "string", default: "1/1" },
      "no-keys": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  if (values.points !== "all") throw new TypeError(`--points is "${values.points}". Give "all".`);
  const [part = "", parts = ""] = values.shard.split("/");
  const shard = { part: count("shard", part), parts: count("shard", parts) };
  if (shard.part < 1 || shard.part > shard.parts) {
    throw new TypeError(`--shard is "${values.shard}". Give i/n with i from 1 to n.`);
  }
  const options = {
    pairs: values.pairs === "all" ? ("all" as const) : count("pairs", values.pairs),
    seed: count("seed", values.seed),
    keys: !values["no-keys"],
    shard,
    at: values.at?.split(",").map((point) => count("at", point)) ?? null,
  };
  const isWhole = options.pairs === "all" && shard.parts === 1;
  const summary = isWhole
    ? await inParts(options)
    : await crashEverywhere(options, (text) => console.error(text));
  console.log(values.json ? JSON.stringify(summary) : summary);
  return summary.lost + summary.repeated + summary.differences === 0 ? 0 : 1;
}

/** How many processes play every pair, one after the other: stories that ended leave memory behind. */
const parts = 30;

async function inParts({ keys, seed }: PointsOptions): Promise<PointsSummary> {
  const sums = { pairs: 0, ofPairs: 0, stories: 0, lost: 0, repeated: 0, differences: 0 };
  let points = 0;
  let seconds = 0;
  for (let part = 1; part <= parts; part += 1) {
    const { stdout } = await execa(
      process.execPath,
      [
        "--conditions=@waybill/source",
        fileURLToPath(new URL("main.ts", import.meta.url)),
        ...["--points", "all", "--pairs", "all", "--shard", `${part}/${parts}`, "--json"],
        ...(keys ? [] : ["--no-keys"]),
      ],
      { stderr: "inherit", reject: false },
    );
    const told = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as PointsSummary;
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += told[name];
    points = told.points;
    seconds += told.seconds;
    console.error(`part ${part} of ${parts}: ${sums.pairs} pairs so far`);
  }
  return { points, ...sums, seed, seconds };
}
