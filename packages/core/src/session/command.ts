import type { Failure } from "../errors.ts";
import type { Instant, MessageId, OperationId, RunId } from "../ids.ts";
import type { Fork, Scope } from "../events/session-events.ts";
import type { Incoming } from "../ports/agent-word.ts";
import type { TrackerOperation } from "../ports/tracker.ts";
import type { MeterReading } from "../ports/gateway.ts";
import type { Site } from "../ports/site.ts";
import type { RunExit } from "../ports/transport.ts";
import type { Effect, Success } from "./effect.ts";
import type { Policy } from "./policy.ts";

/** What was observed but is no fact: lives in the runtime's memory and is gone after a restart. */
export interface Seen {
  readonly now: Instant;
  /** The run's last sign of life that this process saw. */
  readonly aliveAt: Instant | null;
  /** When this process had read everything that the run had said before. */
  readonly caughtUpAt: Instant | null;
}

/** Open the session, or open it again. */
export type OpenSession = {
  readonly type: "OpenSession";
  readonly agent: { readonly slug: string; readonly name: string };
  readonly conversation: string;
  readonly scope: Scope;
  readonly policy: Policy;
  readonly priority: number;
  readonly tenant: string | null;
  readonly forkedFrom: Fork | null;
};
/** Take the session over. Refused unless the epoch is higher than the present owner's. */
export type OwnSession = {
  readonly type: "OwnSession";
  readonly owner: string;
  readonly epoch: number;
  readonly trackerKeys: boolean;
  /** Whether a function of the host's says what the session may touch. Default: its scope does. */
  readonly authorises?: true;
  /** What the new owner reaches. Default: nobody says, so it counts as reaching everything. */
  readonly site?: Site;
  /** How long the runs that it asks for live without an owner. Default: for ever. */
  readonly runLeaseMs?: number;
};
/** What the session has at its site is gone for good, or was brought elsewhere. */
export type AbandonSite = { readonly type: "AbandonSite"; readonly by: string };
/** Say something to the agent. */
export type SendMessage = {
  readonly type: "SendMessage";
  readonly messageId: MessageId;
  readonly text: string;
  readonly from: string | null;
};
/** End the present turn; nothing happens where there is none. */
export type InterruptTurn = { readonly type: "InterruptTurn" };
/** End the session: after what was said so far (`closed`), or at once (`stopped`). */
export type CloseSession = {
  readonly type: "CloseSession";
  readonly outcome: "closed" | "stopped";
};
/** End the present run, not the session. */
export type StopRun = { readonly type: "StopRun"; readonly reason: "asked" | "shutdown" };
/** Try again although the session is parked. */
export type Unpark = { readonly type: "Unpark" };
/** Erase a session that has ended: its events, its folders, the agent's transcript. */
export type EraseSession = { readonly type: "EraseSession"; readonly by: string };
/** Allow the session to cost more; null for no cap. */
export type RaiseBudget = { readonly type: "RaiseBudget"; readonly capUsd: number | null };
/** The session's agent has cost what all its sessions together may. */
export type HoldForAgent = {
  readonly type: "HoldForAgent";
  readonly spentUsd: number;
  readonly capUsd: number;
};
/** The session's agent may cost more again. */
export type ReleaseForAgent = { readonly type: "ReleaseForAgent"; readonly capUsd: number | null };
/** Allow an operation or the use of a tool that waits for somebody, or refuse it. */
export type DecideApproval = {
  readonly type: "DecideApproval";
  readonly operationId: OperationId;
  readonly granted: boolean;
  readonly by: string;
  readonly reason: string;
};
/** Answer a question that the agent asked of people. */
export type AnswerQuestion = {
  readonly type: "AnswerQuestion";
  readonly operationId: OperationId;
  readonly text: string;
  readonly by: string;
};
/** Try an operation again that was given up. */
export type RedriveOperation = {
  readonly type: "RedriveOperation";
  readonly operationId: OperationId;
};
/** Do what a word asked for that could not be read when it came, and that somebody has mended since. */
export type RedriveWord = {
  readonly type: "RedriveWord";
  readonly runId: RunId;
  readonly seq: number;
  readonly operation: TrackerOperation;
  readonly by: string;
};
/** Time has passed. */
export type Tick = { readonly type: "Tick"; readonly seen: Seen };
/** There is a place for a run, and this is its id. */
export type AdmitRun = {
  readonly type: "AdmitRun";
  readonly runId: RunId;
  readonly protocol: 0 | 1;
};
/** An effect succeeded. */
export type Succeeded = { readonly type: "Succeeded" } & Success;
/** An effect failed. */
export type Failed = {
  readonly type: "Failed";
  readonly key: string;
  readonly effect: Effect;
  readonly failure: Failure;
};
/** The run's process was seen alive. */
export type RunSeen = { readonly type: "RunSeen"; readonly runId: RunId };
/** The run's process was seen to have ended. */
export type RunEnded = { readonly type: "RunEnded"; readonly runId: RunId; readonly exit: RunExit };
/** There is positive evidence that the run is gone. */
export type RunAbsent = { readonly type: "RunAbsent"; readonly runId: RunId };
/** The run said something. */
export type Heard = {
  readonly type: "Heard";
  readonly runId: RunId;
  readonly words: readonly Extract<Incoming, { readonly type: "word" }>[];
};

/** The gateway saw something of this session's runs. */
export type Metered = { readonly type: "Metered"; readonly readings: readonly MeterReading[] };

/** What somebody wants, or what the world answered. */
export type SessionCommand =
  | OpenSession
  | OwnSession
  | AbandonSite
  | SendMessage
  | InterruptTurn
  | CloseSession
  | StopRun
  | Unpark
  | EraseSession
  | RaiseBudget
  | HoldForAgent
  | ReleaseForAgent
  | DecideApproval
  | AnswerQuestion
  | RedriveOperation
  | RedriveWord
  | Tick
  | AdmitRun
  | Succeeded
  | Failed
  | RunSeen
  | RunEnded
  | RunAbsent
  | Heard
  | Metered;

/** A command, and when it was given. */
export type Timed<Command extends SessionCommand = SessionCommand> = Command & {
  readonly at: Instant;
};
