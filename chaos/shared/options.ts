import { parseArgs } from "node:util";
import { count } from "../count.ts";

/** How many share a store, what they do, and how often one of them is hurt. */
export interface SharedOptions {
  readonly orchestrators: number;
  readonly kills: number;
  /** Sessions of fakes, which all orchestrators can reach. */
  readonly fakes: number;
  /** Sessions of real processes, half of them on each host. */
  readonly processes: number;
  readonly messages: number;
  readonly operations: number;
  readonly leaseMs: number;
  /** Between two kills, about. */
  readonly paceMs: number;
  /** How long the sessions may take to end after the last kill. */
  readonly patienceMs: number;
  readonly seed: number;
  readonly json: boolean;
  readonly save: boolean;
}

const usage = `pnpm chaos --store postgres [--orchestrators 4] [--kills 30] [--fakes 200] [--processes 20]
  [--messages 4] [--operations 3] [--lease 5000] [--pace 2500] [--patience 600] [--seed N] [--json] [--save]

Several orchestrators share the sessions of one PostgreSQL. One after another is killed, frozen past
its lease, or cut off from the store; half of them live in a network namespace of their own, with
folders of their own, as on a second host. Counts at the Tracker what was lost and repeated, and
everywhere whether two runs of one session ever lived at the same time.`;

/** Reads the command line; prints help and exits where it is asked for. */
export function sharedOptions(argv: readonly string[]): SharedOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      store: { type: "string" },
      orchestrators: { type: "string", default: "4" },
      kills: { type: "string", default: "30" },
      fakes: { type: "string", default: "200" },
      processes: { type: "string", default: "20" },
      messages: { type: "string", default: "4" },
      operations: { type: "string", default: "3" },
      lease: { type: "string", default: "5000" },
      pace: { type: "string", default: "2500" },
      patience: { type: "string", default: "600" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      json: { type: "boolean", default: false },
      save: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  if (values.store !== "postgres")
    throw new TypeError(`--store is "${values.store ?? ""}". Only "postgres" can be shared.`);
  const orchestrators = count("orchestrators", values.orchestrators);
  if (orchestrators < 2 || orchestrators % 2 === 1)
    throw new TypeError(
      `--orchestrators is ${orchestrators}. Give an even number: half for each host.`,
    );
  return {
    orchestrators,
    kills: count("kills", values.kills),
    fakes: count("fakes", values.fakes),
    processes: count("processes", values.processes),
    messages: count("messages", values.messages),
    operations: count("operations", values.operations),
    leaseMs: count("lease", values.lease),
    paceMs: count("pace", values.pace),
    patienceMs: count("patience", values.patience) * 1_000,
    seed: count("seed", values.seed),
    json: values.json,
    save: values.save,
  };
}
