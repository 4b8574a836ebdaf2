import { isWaybillError } from "@waybill/core";
import { startClaude } from "./start-claude.ts";
import type { RunningClaude, StartClaudeOptions } from "./start-claude.ts";
import { findTranscript, setAside } from "./transcript.ts";
import type { Transcript } from "./transcript.ts";

/** A conversation that was found or begun. */
export interface OpenConversation extends RunningClaude {
  readonly context: "fresh" | "resumed" | "lost";
  /** What it goes on with; null where it begins. */
  readonly transcript: Transcript | null;
}

/** What is needed to open one, beside what starting the program takes. */
export interface OpenConversationOptions extends Omit<StartClaudeOptions, "resume"> {
  /** The SDK's folder. */
  readonly claude: string;
  /** Whether an earlier run began the conversation. */
  readonly isExpected: boolean;
}

/**
 * Goes on with the conversation where its transcript can be found, and begins it anew where not: a
 * host that expected one is told that it is lost, and the agent works on all the same. What the disk
 * holds decides, not what the host remembers.
 */
export async function openConversation(
  options: OpenConversationOptions,
): Promise<OpenConversation> {
  const transcript = await findTranscript(options.claude, options.conversation);
  if (transcript?.resumable === true) {
    try {
      const running = await startClaude({ ...options, resume: true });
      return { ...running, context: "resumed", transcript };
    } catch (error) {
      if (!isWaybillError(error) || error.code !== "CONVERSATION_NOT_FOUND") throw error;
      options.log(`${error.message} Its transcript ${transcript.file} is set aside.`);
    }
  }
  if (transcript !== null) await setAside(transcript);
  const running = await startClaude({ ...options, resume: false });
  return { ...running, context: options.isExpected ? "lost" : "fresh", transcript: null };
}
