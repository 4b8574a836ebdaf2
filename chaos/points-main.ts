import { parseArgs } from "node:util";
import { count } from "./count.ts";
import { crashEverywhere } from "./points.ts";

const usage = `pnpm chaos --points all [--pairs] [--shard 1/1] [--no-keys] [--json]

Plays a session that uses every feature, and lets the orchestrator die at every point of its life,
before and after each call that it makes: one by one, or with --pairs at every two places between
which something changed. After each, the board must look as if nothing had happened. Prints a summary last.

  --pairs        at every pair: some ten thousands of stories, so share them
  --shard i/n    only the i-th of n parts of it, to share the work
  --no-keys      with a Tracker that is looked up instead of one that honours keys
  --json         the summary as JSON`;

/** Crashes everywhere, as the command line says; resolves with the exit code. */
export async function pointsMain(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      points: { type: "string", default: "all" },
      pairs: { type: "boolean", default: false },
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
  const options = { pairs: values.pairs, keys: !values["no-keys"], shard };
  const summary = await crashEverywhere(options, (text) => console.error(text));
  console.log(values.json ? JSON.stringify(summary) : summary);
  return summary.lost + summary.repeated + summary.differences === 0 ? 0 : 1;
}
