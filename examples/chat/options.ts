import { parseArgs } from "node:util";
import { join } from "node:path";

/** How the command line was called: flags, and the environment variables of the old runner. */
export interface ChatOptions {
  readonly slug: string;
  readonly name: string;
  readonly docker: boolean;
  readonly resume: boolean;
  /** Where the log and the mailbox are. */
  readonly data: string;
  readonly image: string;
  readonly idleMs: number;
  /** Null where no TRACKER_TOKEN is set: then there is no board. */
  readonly tracker: { readonly url: string; readonly token: string } | null;
  /** What the agent's tools may do unasked; see the agent's README. */
  readonly permissions: string;
  readonly chats: readonly string[];
  readonly tasks: readonly string[];
  readonly credential: { readonly apiKey: string } | { readonly oauthToken: string } | null;
}

const usage = `pnpm chat [--slug coder] [--name Кодер] [--docker] [--resume]
          [--permissions unattended|ask|edits|listed|plan] [--chat ID]… [--task ID]…

Environment: TRACKER_URL (http://localhost:8100), TRACKER_TOKEN, RUNNER_DATA_DIR (.waybill),
RUNNER_IMAGE (team-board-agent:latest), RUNNER_IDLE_TIMEOUT (300, in seconds),
ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN (without either, a scripted model answers).`;

/** Reads flags and environment; prints help and exits where it is asked for. */
export function chatOptions(argv: readonly string[], env: NodeJS.ProcessEnv): ChatOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      slug: { type: "string", default: "coder" },
      name: { type: "string", default: "Кодер" },
      docker: { type: "boolean", default: false },
      resume: { type: "boolean", default: false },
      permissions: { type: "string", default: "unattended" },
      chat: { type: "string", multiple: true, default: [] },
      task: { type: "string", multiple: true, default: [] },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const {
    TRACKER_TOKEN: token,
    ANTHROPIC_API_KEY: apiKey,
    CLAUDE_CODE_OAUTH_TOKEN: oauthToken,
  } = env;
  return {
    ...values,
    data: env["RUNNER_DATA_DIR"] ?? join(process.cwd(), ".waybill"),
    image: env["RUNNER_IMAGE"] ?? "team-board-agent:latest",
    idleMs: idleTimeout(env["RUNNER_IDLE_TIMEOUT"]),
    tracker: token ? { url: env["TRACKER_URL"] ?? "http://localhost:8100", token } : null,
    chats: values.chat,
    tasks: values.task,
    credential: apiKey ? { apiKey } : oauthToken ? { oauthToken } : null,
  };
}

function idleTimeout(seconds = "300"): number {
  const value = Number(seconds);
  if (Number.isFinite(value) && value > 0) return value * 1_000;
  throw new TypeError(`RUNNER_IDLE_TIMEOUT is "${seconds}". Give a number of seconds above 0.`);
}
