import { parseArgs } from "node:util";

/** Which transport to attack, and how much. */
export interface TransportChaosOptions {
  readonly transport: "docker" | "podman" | "process";
  /** SIGKILLs of the orchestrator while the agent talks. */
  readonly kills: number;
  /** What the agent says at least. */
  readonly events: number;
  /** SIGKILLs of the orchestrator at random instants of a start, each of another session. */
  readonly starts: number;
  readonly seed: number;
  readonly json: boolean;
}

const usage = `pnpm chaos --transport docker|podman|process [--kills 50] [--events 5000] [--starts 40] [--seed N] [--json]

Kills the orchestrator while a contained agent talks, some of its events 50 KB long, then at random
instants of starts, and counts in the log and in the agents' own notes what was lost, repeated or
started twice.`;

/** Reads the command line; prints help and exits where it is asked for. */
export function transportChaosOptions(argv: readonly string[]): TransportChaosOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      transport: { type: "string", default: "" },
      kills: { type: "string", default: "50" },
      events: { type: "string", default: "5000" },
      starts: { type: "string", default: "40" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const { transport } = values;
  if (transport !== "docker" && transport !== "podman" && transport !== "process") {
    throw new TypeError(`--transport is "${transport}". Give docker, podman or process.`);
  }
  return {
    transport,
    kills: count("kills", values.kills),
    events: count("events", values.events),
    starts: count("starts", values.starts),
    seed: count("seed", values.seed),
    json: values.json,
  };
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`--${name} is "${text}". Give a whole number.`);
}
