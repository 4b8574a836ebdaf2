import type { AgentConfig } from "./agent-config.ts";

/** What the environment of the SDK's program is made from. */
export interface ClaudeEnvironmentOptions {
  /** The agent program's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** An old host's keys, by the names of their variables. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The folder of transcripts. */
  readonly claude: string;
  readonly config: AgentConfig;
  /** Whether the program runs as root. */
  readonly isRoot: boolean;
}

/** Ways to say who calls the model; where none is there, a gateway adds it outside. */
const CREDENTIALS = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];

/** Left out: the mailbox is not the model's business, and the others change how the SDK works. */
const NOT_PASSED_ON =
  /^(WAYBILL_.*|CLAUDECODE|CLAUDE_CODE_ENTRYPOINT|CLAUDE_CODE_RESUME_INTERRUPTED_TURN)$/;

/** The environment of the SDK's program: what this program found, and what a run needs beside it. */
export function claudeEnvironment(options: ClaudeEnvironmentOptions): Record<string, string> {
  const found = { ...options.env, ...options.secrets };
  const passed = Object.entries(found).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === "" || NOT_PASSED_ON.test(name) ? [] : [[name, value]],
  );
  const env: Record<string, string> = Object.fromEntries(passed);
  return {
    // A user without an account has no home, and the SDK's program does not start without one.
    HOME: options.claude,
    ...modelAddress(env),
    ...env,
    CLAUDE_CONFIG_DIR: options.claude,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    // Board and people answer when they answer; this is the longest that the SDK takes, 11 days.
    MCP_TOOL_TIMEOUT: "999999999",
    CLAUDE_CODE_MAX_RETRIES: String(options.config.maxRetries),
    // A task in the background would end after its turn and begin another that nobody asked for.
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
    CLAUDE_AGENT_SDK_CLIENT_APP: "waybill-agent",
    // The tool that ends a plan hides behind a search otherwise, and the model does not think of it.
    ...(options.config.permissions === "plan" ? { ENABLE_TOOL_SEARCH: "false" } : {}),
    // Root may not bypass permissions unless it says that the machine around it is a sandbox.
    ...(options.isRoot && options.config.permissions === "unattended" ? { IS_SANDBOX: "1" } : {}),
  };
}

/** The socket alone is not enough for the SDK, and neither is an address without any key. */
function modelAddress(env: Readonly<Record<string, string>>): Record<string, string> {
  const isElsewhere = "ANTHROPIC_UNIX_SOCKET" in env || "ANTHROPIC_BASE_URL" in env;
  const hasCredential = CREDENTIALS.some((name) => name in env);
  return {
    ...("ANTHROPIC_UNIX_SOCKET" in env ? { ANTHROPIC_BASE_URL: "http://localhost" } : {}),
    ...(isElsewhere && !hasCredential ? { ANTHROPIC_API_KEY: "placeholder" } : {}),
  };
}
