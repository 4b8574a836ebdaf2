import type { MessageId, RunId } from "../ids.ts";
import type { Mark, TurnError, TurnOutcome, Usage } from "../ports/agent-word.ts";
import type { Event } from "./event.ts";

/** Somebody said something to the agent. From here on it is never lost. */
export type MessageQueued = Event<
  "MessageQueued",
  {
    readonly messageId: MessageId;
    /** Its place in the session: 1 for the first message, then one more for each. */
    readonly position: number;
    readonly text: string;
    /** Who said it, for the agent to read; null where nobody said. */
    readonly from: string | null;
  }
>;

/**
 * The host says what a dead run left undone, in place of messages that the agent's transcript
 * holds: handing those over again would repeat work, and leaving them out would lose them.
 */
export type ContinuationQueued = Event<
  "ContinuationQueued",
  {
    readonly messageId: MessageId;
    readonly position: number;
    readonly text: string;
    /** The messages whose answer it will bring. */
    readonly replaces: readonly MessageId[];
  }
>;

/** The message lies in the run's mailbox. */
export type MessageDelivered = Event<
  "MessageDelivered",
  { readonly messageId: MessageId; readonly runId: RunId; readonly delivery: number }
>;

/** The message is part of a turn. Only the turn's end settles it. */
export type MessageAccepted = Event<
  "MessageAccepted",
  {
    readonly messageId: MessageId;
    readonly runId: RunId;
    readonly turnId: string;
    readonly mark: Mark;
  }
>;

/** The message will not be answered. */
export type MessageDiscarded = Event<
  "MessageDiscarded",
  { readonly messageId: MessageId; readonly reason: "stopped" | "close_expired" }
>;

/** The agent began to work on something. */
export type TurnStarted = Event<
  "TurnStarted",
  { readonly runId: RunId; readonly turnId: string; readonly mark: Mark }
>;

/** The agent's answer: settles every message of the turn, unless its error says that another try helps. */
export type TurnEnded = Event<
  "TurnEnded",
  {
    readonly runId: RunId;
    readonly turnId: string;
    readonly outcome: TurnOutcome;
    readonly text: string;
    readonly error: TurnError | null;
    readonly usage: Usage | null;
    /** US dollars of the conversation so far. */
    readonly costUsd: number | null;
    /** The messages that this turn settles: none where it is tried again. */
    readonly messageIds: readonly MessageId[];
    /** The conversation in which it happened. */
    readonly conversation: string;
    /** Where the transcript stood: a fork may begin here. */
    readonly transcriptId: string | null;
    readonly mark: Mark;
  }
>;

/** The turn shall end now. */
export type InterruptRequested = Event<
  "InterruptRequested",
  {
    readonly runId: RunId;
    readonly turnId: string;
    readonly reason: "asked" | "turn_deadline";
    /** When the run is stopped if the turn has not ended by then. */
    readonly until: number;
  }
>;

/** Events about messages and the turns that answer them. */
export type MessageEvent =
  | MessageQueued
  | ContinuationQueued
  | MessageDelivered
  | MessageAccepted
  | MessageDiscarded
  | TurnStarted
  | TurnEnded
  | InterruptRequested;
