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
  /** The total that the SDK counts on from, in US dollars. */
  readonly sdkStartUsd: number;
}

/** What is needed to open one, beside what starting the program takes. */
export interface OpenConversationOptions extends Omit<StartClaudeOptions, "from"> {
  /** Whether an earlier run began the conversation. */
  readonly isExpected: boolean;
  /** Where it begins as a fork of another one; else null. */
  readonly fork: { readonly conversation: string; readonly transcript: string } | null;
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
    const running = await startFrom(options, { type: "itself" });
    const sdkStartUsd = transcript.costUsd;
    if (running !== null) return { ...running, context: "resumed", transcript, sdkStartUsd };
    options.log(`The transcript ${transcript.file} is set aside.`);
  }
  if (transcript !== null) await setAside(transcript);
  const forked = await openFork(options);
  if (forked !== null) return forked;
  const running = await startClaude({ ...options, from: { type: "nothing" } });
  const isLost = options.isExpected || options.fork !== null;
  return { ...running, context: isLost ? "lost" : "fresh", transcript: null, sdkStartUsd: 0 };
}

/** Begins with what another conversation knew at a place; null where that cannot be found. */
async function openFork(options: OpenConversationOptions): Promise<OpenConversation | null> {
  if (options.fork === null) return null;
  const parent = await findTranscript(options.claude, options.fork.conversation);
  if (parent?.resumable !== true) return null;
  const running = await startFrom(options, { type: "fork", ...options.fork });
  if (running === null) return null;
  return { ...running, context: "resumed", transcript: null, sdkStartUsd: parent.costUsd };
}

/** Null where the SDK's program does not find what it is to go on with. */
async function startFrom(
  options: OpenConversationOptions,
  from: StartClaudeOptions["from"],
): Promise<RunningClaude | null> {
  try {
    return await startClaude({ ...options, from });
  } catch (error) {
    if (!isWaybillError(error) || error.code !== "CONVERSATION_NOT_FOUND") throw error;
    options.log(error.message);
    return null;
  }
}
