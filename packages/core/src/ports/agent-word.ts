import type { FailureClass } from "../errors.ts";
import type { Instant, MessageId } from "../ids.ts";
import type { AgentOperation } from "./agent-operation.ts";

/** How a turn ended. `exhausted` is a limit of turns, tokens or money; it is not a success. */
export type TurnOutcome = "completed" | "failed" | "interrupted" | "exhausted";

/** Tokens of one turn. */
export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
}

/** Why a turn did not come to its end. */
export interface TurnError {
  /** A stable code: `MODEL_RATE_LIMITED`, for example. */
  readonly code: string;
  readonly message: string;
  /**
   * What it means for another try. After `transient` and `rate` the turn settles nothing: its
   * messages are tried again in a later run. Default: `permanent`, the messages have their answer.
   */
  readonly class?: Exclude<FailureClass, "unknown">;
  /** For `rate`: when another try can succeed, by the agent's clock. */
  readonly resetsAt?: Instant;
}

/**
 * What an agent says, as core understands it. Protocol 1 carries these as envelopes in one sequence
 * per run; for protocol 0 the mailbox makes them out of frames and files. Everything here is the
 * claim of an untrusted program: it has no say about identity, and none about other sessions.
 */
export type AgentWord =
  /** The first word of a run. `holds` names the unsettled messages that its transcript has. */
  | {
      readonly type: "hello";
      readonly agent: string;
      readonly context: "fresh" | "resumed" | "lost";
      readonly holds: readonly MessageId[];
    }
  /** The message is part of this turn now. `turn` is the agent's own name for it, unique in a run. */
  | { readonly type: "accepted"; readonly turn: string; readonly message: MessageId }
  | {
      readonly type: "turn_ended";
      readonly turn: string;
      readonly outcome: TurnOutcome;
      readonly text: string;
      readonly error?: TurnError;
      readonly usage?: Usage;
      /** US dollars of the whole conversation so far, not of this turn. */
      readonly costUsd?: number;
      /** Where the transcript stood at the end of this turn: a fork may begin here. */
      readonly transcript?: string;
      /** Protocol 0 alone: the conversation's id as the agent chose it. */
      readonly conversation?: string;
    }
  /** Something that it asks for. Its sequence number names it in the answer. */
  | { readonly type: "operation"; readonly operation: AgentOperation }
  /** The agent has nothing more to say and is about to exit. */
  | { readonly type: "bye" }
  /** What lay in this place was no word: malformed, too large, of an unknown type. Kept as a dead letter. */
  | { readonly type: "unreadable"; readonly code: string; readonly reason: string }
  /** These places stayed empty although later ones were filled. */
  | { readonly type: "gap"; readonly through: number };

/** A place in what a run has said: everything up to here is recorded. */
export interface Mark {
  /** The last sequence number; 0 for none. */
  readonly seq: number;
  /** Protocol 0 alone: the bytes of stdout that have been read. */
  readonly offset: number;
}

/** A loss-tolerant sign of what the agent is doing, for people to watch; never recorded. */
export type Activity =
  | { readonly type: "thinking" }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool_started"; readonly tool: string; readonly summary: string }
  | { readonly type: "tool_ended"; readonly tool: string; readonly ok: boolean }
  | { readonly type: "retrying"; readonly reason: string; readonly attempt: number }
  /** What was said first is being summarized, since the conversation is too long for the model. */
  | { readonly type: "compacting" }
  | { readonly type: "idle" };

/** One thing that a mailbox hands over. */
export type Incoming =
  /** A word, with the mark that holds once it is recorded. */
  | { readonly type: "word"; readonly mark: Mark; readonly at: Instant; readonly word: AgentWord }
  /** The run showed life (a heartbeat, output on a stream). */
  | { readonly type: "alive"; readonly at: Instant }
  /** Everything that lay there when the receiving began has been handed over. */
  | { readonly type: "caught_up" }
  | { readonly type: "activity"; readonly activity: Activity };
