import type { Failure } from "../errors.ts";
import type { Instant, MessageId, RunId } from "../ids.ts";
import type { Mark } from "../ports/agent-word.ts";
import type { Conversation } from "../ports/run-plan.ts";
import type { Site } from "../ports/site.ts";
import type { Event } from "./event.ts";

/** A run is wanted, under an id that no run had before. */
export type RunRequested = Event<
  "RunRequested",
  {
    readonly runId: RunId;
    readonly protocol: 0 | 1;
    /** The epoch of the orchestrator that asked. */
    readonly epoch: number;
    readonly conversation: Conversation;
    /** Messages that earlier runs took and did not finish. */
    readonly unsettled: readonly MessageId[];
    /** Protocol 0 alone: the message that standard input carries. */
    readonly prompt: MessageId | null;
    /** Where it will live. Absent: nobody says, so whoever owns the session reaches it. */
    readonly site?: Site;
    /** It ends itself where its lease is not renewed for so long. Absent: it has none. */
    readonly leaseMs?: number;
  }
>;

/** The run's process exists. */
export type RunStarted = Event<
  "RunStarted",
  { readonly runId: RunId; readonly host: string; readonly handle: string }
>;

/** The run could not be started. It may live all the same: it is stopped and looked for. */
export type RunStartFailed = Event<
  "RunStartFailed",
  { readonly runId: RunId; readonly failure: Failure }
>;

/** A run that another orchestrator, or an earlier life of this one, started was found alive. */
export type RunAdopted = Event<"RunAdopted", { readonly runId: RunId; readonly epoch: number }>;

/** The agent said hello: messages can be handed over. */
export type AgentReady = Event<
  "AgentReady",
  {
    readonly runId: RunId;
    readonly agent: string;
    /** The unsettled messages that its transcript holds. */
    readonly transcriptHas: readonly MessageId[];
    readonly mark: Mark;
  }
>;

/** What a resumed run remembers: all (`native`), or nothing (`none`: it began afresh). */
export type ContextRestored = Event<
  "ContextRestored",
  { readonly runId: RunId; readonly from: "native" | "none" }
>;

/** Why a run is asked to end. */
export type StopReason =
  | "idle"
  | "closing"
  | "asked"
  | "shutdown"
  | "start_failed"
  | "start_deadline"
  | "stalled"
  | "unresponsive"
  | "interrupt_ignored"
  | "turn_failed"
  | "close_expired";

/** The run shall end: after what it has in hand (`drain`), or now (`kill`). */
export type RunStopRequested = Event<
  "RunStopRequested",
  {
    readonly runId: RunId;
    readonly reason: StopReason;
    readonly mode: "drain" | "kill";
    /** For `drain`: when it turns into `kill`. */
    readonly until: Instant | null;
  }
>;

/** It is certain that the run neither lives nor can ever start. */
export type RunStopped = Event<"RunStopped", { readonly runId: RunId }>;

/** The run's process ended, and this is how the host saw it. */
export type RunExited = Event<
  "RunExited",
  {
    readonly runId: RunId;
    /** Null where none is known; never invented. */
    readonly exitCode: number | null;
    readonly signal: string | null;
    readonly oomKilled: boolean;
    readonly detail: string | null;
  }
>;

/** There is positive evidence that the run is gone, and nobody saw how. */
export type RunLost = Event<
  "RunLost",
  {
    readonly runId: RunId;
    /**
     * Absent: whoever holds runs there knows it no more. `lease`: its host is out of reach, and its
     * lease has ended. `word`: a person says so.
     */
    readonly evidence?: LossEvidence;
  }
>;

/** By what a run that nobody here can look for is known to be gone. */
export type LossEvidence = "lease" | "word";

/** Everything that the run ever said is recorded. Its place is free for the next one. */
export type RunDrained = Event<"RunDrained", { readonly runId: RunId; readonly mark: Mark }>;

/** What was left of the run (its container) is gone. */
export type RunRemoved = Event<"RunRemoved", { readonly runId: RunId }>;

/** The agent had nothing more to say. */
export type AgentLeft = Event<"AgentLeft", { readonly runId: RunId; readonly mark: Mark }>;

/** Something that the run said made no sense and was put aside. */
export type WordRejected = Event<
  "WordRejected",
  { readonly runId: RunId; readonly code: string; readonly reason: string; readonly mark: Mark }
>;

/** Places in the run's sequence stayed empty although later ones were filled. */
export type MailboxGapSkipped = Event<
  "MailboxGapSkipped",
  { readonly runId: RunId; readonly mark: Mark }
>;

/** Events about runs. */
export type RunEvent =
  | RunRequested
  | RunStarted
  | RunStartFailed
  | RunAdopted
  | AgentReady
  | ContextRestored
  | RunStopRequested
  | RunStopped
  | RunExited
  | RunLost
  | RunDrained
  | RunRemoved
  | AgentLeft
  | WordRejected
  | MailboxGapSkipped;
