import { parseArgs } from "node:util";

/** How the demo is played. */
export interface DemoOptions {
  /** Print events and a summary as JSON lines instead of a story. */
  readonly json: boolean;
  /** Run the agent in a container of a real engine. */
  readonly docker: boolean;
  /** Talk to the real model; needs ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN. */
  readonly live: boolean;
  /** Keep the data folder and print where it is. */
  readonly keep: boolean;
}

/** Reads the command line; prints help and exits where it is asked for. */
export function demoOptions(argv: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      json: { type: "boolean", default: false },
      docker: { type: "boolean", default: false },
      live: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log("pnpm demo [--docker] [--live] [--json] [--keep]");
    process.exit(0);
  }
  return values;
}
