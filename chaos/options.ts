import { parseArgs } from "node:util";
import { count } from "./count.ts";

/** What to break, and how often. */
export interface ChaosOptions {
  readonly kills: number;
  readonly sessions: number;
  /** Messages of each session. */
  readonly messages: number;
  /** Operations of each message. */
  readonly operations: number;
  readonly seed: number;
  /** Whether the Tracker honours keys; without, Waybill looks up. */
  readonly keys: boolean;
  readonly json: boolean;
  /** Whether the summary goes into `chaos/results/`, too. */
  readonly save: boolean;
}

/** Enough work for every kill to hit some. */
const OPERATIONS_PER_KILL = 25;

const usage = `pnpm chaos [--kills 30] [--sessions 6] [--messages N] [--operations 5] [--seed N] [--no-keys] [--json] [--save]

Kills orchestrator and agents at random instants while the Tracker answers 503, drops before and
after it commits and lets calls time out, and counts at the Tracker what was lost, repeated and out
of order. Without --messages there are as many as the kills need: 25 operations for each. --save
writes the summary to chaos/results/ with the facts of the machine.

Other ways to break things, each with a --help of its own: --simulate, --points all, --plant list,
--transport docker, --store postgres.`;

/** Reads the command line; prints help and exits where it is asked for. */
export function chaosOptions(argv: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      kills: { type: "string", default: "30" },
      sessions: { type: "string", default: "6" },
      messages: { type: "string" },
      operations: { type: "string", default: "5" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      "no-keys": { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      save: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const kills = count("kills", values.kills);
  const sessions = count("sessions", values.sessions);
  const operations = count("operations", values.operations);
  const enough = Math.max(4, Math.ceil((kills * OPERATIONS_PER_KILL) / (sessions * operations)));
  return {
    kills,
    sessions,
    messages: values.messages === undefined ? enough : count("messages", values.messages),
    operations,
    seed: count("seed", values.seed),
    keys: !values["no-keys"],
    json: values.json,
    save: values.save,
  };
}
