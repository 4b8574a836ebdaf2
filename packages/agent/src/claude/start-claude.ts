import { query } from "@anthropic-ai/claude-agent-sdk";
import type {
  HookInput,
  Options,
  Query,
  SDKUserMessage,
  SyncHookJSONOutput,
} from "@anthropic-ai/claude-agent-sdk";
import { WaybillError } from "@waybill/core";
import type { AgentConfig } from "./agent-config.ts";
import { TRACKER_SERVER, trackerServer } from "./tracker-server.ts";
import type { AskHost } from "./ask-host.ts";
import { permissionOptions } from "./permissions.ts";

/** What the SDK's program is started with. */
export interface StartClaudeOptions {
  readonly conversation: string;
  /** What it begins with: nothing, its own transcript, or another conversation's up to a place. */
  readonly from:
    | { readonly type: "nothing" }
    | { readonly type: "itself" }
    | { readonly type: "fork"; readonly conversation: string; readonly transcript: string };
  readonly prompts: AsyncIterable<SDKUserMessage>;
  readonly config: AgentConfig;
  readonly agent: { readonly slug: string; readonly name: string };
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The SDK's folder. */
  readonly claude: string;
  readonly ask: AskHost;
  /** Resolves with null once a tool may run, or with why it may not. */
  readonly beforeTool: () => Promise<string | null>;
  /** Keeps the whole conversation, before the SDK summarizes its beginning. */
  readonly beforeCompaction: (transcript: string) => Promise<void>;
  /** Takes the program's diagnostics. */
  readonly log: (text: string) => void;
}

/** The SDK's program, ready to take messages. */
export interface RunningClaude {
  readonly query: Query;
  /** Its name and version. */
  readonly program: string;
}

/**
 * Starts the SDK's program and resolves once it is ready, before it has any message. Throws
 * `CONVERSATION_NOT_FOUND` where it refuses the transcript, and `MODEL_PROGRAM_FAILED` with what it
 * said where it does not come up.
 */
export async function startClaude(options: StartClaudeOptions): Promise<RunningClaude> {
  const running = query({ prompt: options.prompts, options: queryOptions(options) });
  try {
    const ready = await running.initializationResult();
    return { query: running, program: `claude-code/${ready.claude_code_version ?? "unknown"}` };
  } catch (cause) {
    running.close();
    throw startFailure(cause, options.conversation);
  }
}

function queryOptions(options: StartClaudeOptions): Options {
  const { config } = options;
  return {
    ...identity(options),
    cwd: options.cwd,
    env: { ...options.env },
    stderr: options.log,
    // Nothing from files in the workspace: what is cloned there must not change the agent.
    settingSources: [],
    // The SDK sweeps transcripts after 30 days; how long a conversation is kept, the host decides.
    settings: { cleanupPeriodDays: 36_500 },
    strictMcpConfig: true,
    // A chat message "/clear" or "@/etc/passwd" is a text, and stays one.
    verbatimPrompts: true,
    includePartialMessages: true,
    ...permissionOptions(config.permissions, { ask: options.ask, claude: options.claude }),
    hooks: {
      PreToolUse: [{ hooks: [() => toolPermission(options.beforeTool)] }],
      PreCompact: [{ hooks: [(input) => compaction(input, options.beforeCompaction)] }],
    },
    mcpServers: { [TRACKER_SERVER]: trackerServer(options.ask) },
    allowedTools: [`mcp__${TRACKER_SERVER}`, ...config.allowedTools],
    disallowedTools: [...notForAgents(config), ...config.disallowedTools],
    systemPrompt: systemPrompt(options),
    ...(config.tools === undefined ? {} : { tools: [...config.tools] }),
    ...(config.model === undefined ? {} : { model: config.model }),
    ...(config.fallbackModel === undefined ? {} : { fallbackModel: config.fallbackModel }),
    ...(config.maxTurns === undefined ? {} : { maxTurns: config.maxTurns }),
    ...(config.maxBudgetUsd === undefined ? {} : { maxBudgetUsd: config.maxBudgetUsd }),
    ...(config.effort === undefined ? {} : { effort: config.effort }),
  };
}

function identity({ conversation, from }: StartClaudeOptions): Options {
  switch (from.type) {
    case "nothing":
      return { sessionId: conversation };
    case "itself":
      return { resume: conversation };
    case "fork":
      return {
        resume: from.conversation,
        resumeSessionAt: from.transcript,
        forkSession: true,
        sessionId: conversation,
      };
    default:
      return from satisfies never;
  }
}

/** Built-in tools that need a person at the terminal, or that start turns by a clock of their own. */
const NOT_FOR_AGENTS: readonly string[] = [
  "AskUserQuestion",
  "CronCreate",
  "CronDelete",
  "CronList",
  "EnterPlanMode",
  "EnterWorktree",
  "ExitWorktree",
  "Monitor",
  "RemoteTrigger",
  "ScheduleWakeup",
  "Workflow",
];

/** The end of a plan asks a person; without a plan there is none. */
function notForAgents({ permissions }: AgentConfig): readonly string[] {
  return permissions === "plan" ? NOT_FOR_AGENTS : [...NOT_FOR_AGENTS, "ExitPlanMode"];
}

async function toolPermission(
  beforeTool: StartClaudeOptions["beforeTool"],
): Promise<SyncHookJSONOutput> {
  const reason = await beforeTool();
  if (reason === null) return { continue: true };
  return {
    hookSpecificOutput: {
      hookEventName: "PreToolUse",
      permissionDecision: "deny",
      permissionDecisionReason: reason,
    },
  };
}

async function compaction(
  { transcript_path: transcript }: HookInput,
  before: StartClaudeOptions["beforeCompaction"],
): Promise<SyncHookJSONOutput> {
  await before(transcript);
  return { continue: true };
}

function systemPrompt({ config, agent }: StartClaudeOptions): NonNullable<Options["systemPrompt"]> {
  if (config.systemPrompt !== undefined) return config.systemPrompt;
  const { appendSystemPrompt: append = introduction(agent) } = config;
  return { type: "preset", preset: "claude_code", append };
}

function introduction({ name, slug }: StartClaudeOptions["agent"]): string {
  return [
    `You are ${name} ("${slug}" on the team board), an agent that works on its own in a container.`,
    `People do not see your terminal. They read the chats and tasks of the team board, which you reach by the tools of the "${TRACKER_SERVER}" server, and the last text of each turn.`,
    `A board tool returns what became of the call: done, rejected and why, or given up. Never say that something is on the board when its tool did not say so, and never repeat a call that was done.`,
  ].join("\n");
}

function startFailure(cause: unknown, conversation: string): WaybillError {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (message.includes("No conversation found")) {
    return new WaybillError(
      "CONVERSATION_NOT_FOUND",
      `The model's program does not find the conversation ${conversation}.`,
      { details: { conversation }, cause },
    );
  }
  return new WaybillError("MODEL_PROGRAM_FAILED", `The model's program did not start: ${message}`, {
    class: "transient",
    cause,
  });
}
