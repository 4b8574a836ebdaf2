import type { AgentStart } from "../host/agent-host.ts";
import type { OpenedSession } from "../session/model-session.ts";
import { checkpoints } from "../checkpoint/checkpoints.ts";
import { archiveConversation } from "./archive-conversation.ts";
import { readAgentConfig } from "./agent-config.ts";
import { claudeEnvironment } from "./claude-environment.ts";
import { costLedger } from "./cost-ledger.ts";
import { driveClaude } from "./drive-claude.ts";
import { messageFeed } from "./message-feed.ts";
import { messageUuid } from "./message-uuid.ts";
import { openConversation } from "./open-conversation.ts";
import { openStateFolder } from "./state-folder.ts";
import { followTranscript } from "./transcript-follower.ts";
import type { AskHost } from "./ask-host.ts";

/** What a session with the Claude Agent SDK needs. */
export interface ClaudeSessionOptions {
  readonly start: AgentStart;
  /** The session's state folder; it outlives runs. */
  readonly state: string;
  readonly cwd: string;
  /** The agent program's own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
  readonly ask: AskHost;
  /** Takes diagnostics, a line or more at a time. */
  readonly log: (text: string) => void;
}

/**
 * Opens the conversation of a run with the Claude Agent SDK. Throws `CONFIG_INVALID`,
 * `STATE_UNWRITABLE` or `MODEL_PROGRAM_FAILED`: a start that failed before it began.
 */
export async function claudeSession(options: ClaudeSessionOptions): Promise<OpenedSession> {
  const { start, env, log } = options;
  const config = readAgentConfig(start.config);
  const state = await openStateFolder(options.state);
  const feed = messageFeed();
  // Tools run only in turns, and turns only once the session is driven.
  let beforeTool = (): Promise<string | null> => Promise.resolve(null);
  const { query, program, context, transcript, sdkStartUsd } = await openConversation({
    conversation: start.conversation.id,
    isExpected: start.conversation.resume,
    fork: start.conversation.fork ?? null,
    agent: start.agent,
    claude: state.claude,
    env: claudeEnvironment({
      env,
      secrets: start.secrets,
      claude: state.claude,
      config,
      isRoot: options.isRoot,
    }),
    cwd: options.cwd,
    ask: options.ask,
    beforeTool: () => beforeTool(),
    beforeCompaction: async (file) => {
      const { id: conversation } = start.conversation;
      const archive = { transcript: file, folder: state.archives, conversation, at: new Date() };
      // Without an archive the agent goes on: a conversation that cannot be summarized would end.
      await archiveConversation(archive).then(
        (path) => log(`The conversation is summarized now; it is kept whole in ${path}.`),
        (error: unknown) => log(`The conversation could not be archived: ${String(error)}`),
      );
    },
    prompts: feed.prompts,
    config,
    log,
  });
  const inTranscript = transcript?.messages ?? new Set<string>();
  const ledger = costLedger({
    folder: state.costs,
    conversation: start.conversation.id,
    goesOn: transcript !== null,
    sdkStartUsd,
  });
  const follower = followTranscript({
    claude: state.claude,
    conversation: start.conversation.id,
    from: transcript?.bytes ?? 0,
  });
  const kept = checkpoints({ workspace: options.cwd, state: options.state });
  const checkpoint = async (place: string): Promise<void> => {
    if (!config.checkpoints || !kept.possible()) return;
    await kept
      .save(place)
      .catch((error: unknown) => log(`No checkpoint was kept: ${String(error)}`));
  };
  const driven = driveClaude({
    query,
    feed,
    follower,
    inTranscript,
    cost: ledger.record,
    checkpoint,
    log,
  });
  beforeTool = driven.beforeTool;
  return {
    context,
    program,
    holds: start.unsettled.filter((id) => inTranscript.has(messageUuid(id))),
    session: driven,
  };
}
