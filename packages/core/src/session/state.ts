import type { Failure } from "../errors.ts";
import type { AgentSlug, Instant, MessageId, OperationId, RunId, SessionId } from "../ids.ts";
import type { Json } from "../json.ts";
import type { Fork, ParkReason, Scope } from "../events/session-events.ts";
import type { LossEvidence, StopReason } from "../events/run-events.ts";
import type { Mark } from "../ports/agent-word.ts";
import type { MeterMarks } from "../ports/gateway.ts";
import type { Conversation } from "../ports/run-plan.ts";
import type { AgentOperation } from "../ports/agent-operation.ts";
import type { TrackerOperation } from "../ports/tracker.ts";
import type { Site } from "../ports/site.ts";
import type { RunExit } from "../ports/transport.ts";
import type { Policy } from "./policy.ts";
import type { RunCost, Totals } from "./totals.ts";

/**
 * A session as its events tell it: orthogonal regions, each a union where it has phases. Only open
 * work is in it; what is done leaves. Its status is derived (`statusOf`).
 */
export interface Session {
  readonly id: SessionId;
  /** How many events were folded. */
  readonly version: number;
  /** When the last one was recorded. */
  readonly now: Instant;
  readonly agent: { readonly slug: AgentSlug; readonly name: string };
  readonly scope: Scope;
  readonly policy: Policy;
  readonly priority: number;
  readonly tenant: string | null;
  readonly forkedFrom: Fork | null;
  readonly budget: Budget;
  readonly conversation: {
    readonly id: string;
    /** Whether a turn has ever begun in it, so that a transcript should exist. */
    readonly begun: boolean;
  };
  readonly life: Life;
  readonly owner: Owner | null;
  /** Where its workspace and its transcript lie; null where nobody says, or there are none yet. */
  readonly folders: string | null;
  readonly run: Run | null;
  /** Unsettled messages by id, in the order in which they came. */
  readonly messages: ReadonlyMap<MessageId, OpenMessage>;
  /** The position of the newest message. */
  readonly position: number;
  /** Operations not yet done, by target, in order. */
  readonly outbox: ReadonlyMap<string, readonly Operation[]>;
  /** Operations that the host's policy or a person has to allow or answer, by id. They hold up no other operation. */
  readonly approvals: ReadonlyMap<OperationId, Approval>;
  /** Operations that were given up, by id, for a person to look at and to drive again. */
  readonly deadLetters: ReadonlyMap<OperationId, Operation>;
  /** What the agent of the present run has not been told yet. */
  readonly answers: ReadonlyMap<OperationId, Answer>;
  /** What was asked since the last turn ended: a continuation tells it. */
  readonly notes: ReadonlyMap<OperationId, OperationNote>;
  /** Effects that failed and wait, by key. */
  readonly deferred: ReadonlyMap<string, Deferral>;
  /** Runs that are over and whose remains are not removed yet. */
  readonly remains: ReadonlyMap<RunId, RunTrace>;
  /** What the present run and those in `remains` cost, by whom we know it. */
  readonly costs: ReadonlyMap<RunId, RunCost>;
  /** What is recorded of gateways' books. */
  readonly metered: MeterMarks;
  readonly restart: Restart;
  readonly parked: Parked | null;
  readonly totals: Totals;
}

/** Whether the session takes messages, is ending or has ended. */
export type Life =
  | { readonly type: "unopened" }
  | { readonly type: "open" }
  | {
      readonly type: "closing";
      readonly through: number;
      readonly outcome: "closed" | "stopped";
      readonly until: Instant;
      readonly expired: boolean;
    }
  | { readonly type: "ended"; readonly outcome: "closed" | "stopped"; readonly at: Instant }
  /** It had ended, and what is left of it is being removed. */
  | { readonly type: "erasing"; readonly by: string }
  | { readonly type: "erased"; readonly at: Instant };

/** Who acts for the session. */
export interface Owner {
  readonly name: string;
  readonly epoch: number;
  readonly trackerKeys: boolean;
  readonly authorises?: true;
  readonly site?: Site;
  readonly runLeaseMs?: number;
  /** When it took the session over. */
  readonly since: Instant;
}

/** What is needed to find a run again: the facts of its request. */
export interface RunTrace {
  readonly runId: RunId;
  readonly protocol: 0 | 1;
  readonly epoch: number;
  readonly conversation: Conversation;
  readonly unsettled: readonly MessageId[];
  /** Protocol 0 alone: the text on standard input. */
  readonly prompt: { readonly messageId: MessageId; readonly text: string } | null;
  readonly site?: Site;
  readonly leaseMs?: number;
}

/** The one live run. */
export interface Run {
  readonly trace: RunTrace;
  readonly phase: RunPhase;
  readonly stop: RunStop | null;
  readonly turn: Turn | null;
  /** Everything that it said up to here is recorded. */
  readonly mark: Mark;
  /** When it last ended a turn or became ready: idle counts from here. */
  readonly restingSince: Instant;
  /** It said its first word. */
  readonly greeted: boolean;
  /** It said that it has nothing more to say. */
  readonly left: boolean;
  /** Why it could not be started; null where that was not tried in vain. */
  readonly startFailure: Failure | null;
  /** How many turns it ended: one that ends by itself without any made no progress. */
  readonly turns: number;
  /** Why its last turn has to be tried again, in another run; null where it has not. */
  readonly setback: Setback | null;
}

/** A turn that failed for now. */
export interface Setback {
  readonly failure: Failure;
  /** When another try can succeed; null where nobody said. */
  readonly resetsAt: Instant | null;
}

/** Bad ends in a row. A completed turn, or a person who asks for it, ends the row. */
export interface Restart {
  /** Runs that ended badly. */
  readonly failures: number;
  /** Rate limits that were met. */
  readonly limits: number;
  /** When the next run may start; null for now. */
  readonly dueAt: Instant | null;
}

/** How far a run has come. */
export type RunPhase =
  | { readonly type: "requested" }
  | { readonly type: "start_failed" }
  | { readonly type: "started"; readonly at: Instant; readonly seenIn: number }
  | { readonly type: "ready"; readonly seenIn: number }
  /** The process is gone; what it said last may still lie in the mailbox. */
  | { readonly type: "over"; readonly exit: RunExit | null; readonly evidence?: LossEvidence };

/** A request to end the run. */
export interface RunStop {
  readonly reason: StopReason;
  readonly mode: "drain" | "kill";
  readonly until: Instant | null;
}

/** What the agent is working on. */
export interface Turn {
  readonly id: string;
  readonly startedAt: Instant;
  /** Its time counts from here: its start, or the last time that a person let it go on. */
  readonly countsFrom: Instant;
  readonly interruptUntil: Instant | null;
}

/** A message that is not settled. */
export interface OpenMessage {
  readonly id: MessageId;
  readonly position: number;
  readonly text: string;
  readonly from: string | null;
  /** How often it was handed over. */
  readonly deliveries: number;
  readonly at: MessagePlace;
  /** A continuation's originals; empty for others. */
  readonly replaces: readonly MessageId[];
}

/** Where a message is. */
export type MessagePlace =
  | { readonly type: "queued" }
  | { readonly type: "delivered"; readonly runId: RunId }
  | { readonly type: "accepted"; readonly runId: RunId; readonly turnId: string }
  /** Its run is over. The next one says whether the transcript holds it. */
  | { readonly type: "carried" }
  /** The transcript holds it; a continuation brings its answer. */
  | { readonly type: "replaced"; readonly by: MessageId };

/** Something that the agent asked for and that is not over: at the Tracker, unless it says otherwise. */
export interface Operation<Asked extends AgentOperation = TrackerOperation> {
  readonly id: OperationId;
  readonly runId: RunId;
  readonly seq: number;
  readonly operation: Asked;
  readonly requestedAt: Instant;
  /** How often it was tried. */
  readonly attempts: number;
  readonly maybeDelivered: boolean;
  readonly at: OperationPlace;
}

/** Where an operation is; in doubt since nobody knew any more whether the call had arrived. */
export type OperationPlace =
  | { readonly type: "waiting"; readonly dueAt: Instant }
  | { readonly type: "attempted"; readonly epoch: number }
  | { readonly type: "in_doubt"; readonly dueAt: Instant; readonly since: Instant };

/** An operation that waits: for the host's policy first, where it has one, or for a person to allow or answer it. */
export interface Approval {
  readonly operation: Operation<AgentOperation>;
  /** The turn in which it was asked; null where there was none. */
  readonly turnId: string | null;
  readonly until: Instant;
  /** The host's policy has not said yet whether the session may do it: nobody else is asked. */
  readonly unauthorised?: true;
}

/** What a session may cost. */
export interface Budget {
  readonly capUsd: number | null;
  /** It has cost that much: nothing is handed over until the cap is raised. */
  readonly exceeded: boolean;
  /** All sessions of its agent together have cost what they may; null where they may go on. */
  readonly agent: { readonly spentUsd: number; readonly capUsd: number } | null;
}

/** What an agent is to be told about an operation of its. */
export interface Answer {
  readonly operationId: OperationId;
  readonly runId: RunId;
  readonly seq: number;
  readonly status: "delivered" | "rejected" | "abandoned";
  readonly data: Json;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** What a continuation says about an operation. */
export interface OperationNote {
  readonly summary: string;
  readonly state: "waiting" | "delivered" | "rejected" | "abandoned" | "withdrawn";
}

/** An effect that failed. */
export interface Deferral {
  readonly attempt: number;
  readonly dueAt: Instant;
}

/** No run is started. */
export interface Parked {
  readonly reason: ParkReason;
  readonly failure: Failure;
  readonly until: Instant | null;
}
