import type { Failure } from "../errors.ts";
import type { Instant, OperationId, RunId } from "../ids.ts";
import type { Mark } from "../ports/agent-word.ts";
import type { AgentOperation } from "../ports/agent-operation.ts";
import type { Receipt, TrackerOperation } from "../ports/tracker.ts";
import type { Event } from "./event.ts";

/** The agent asked for something, at the Tracker or of a person. The request is frozen here. */
export type OperationRequested = Event<
  "OperationRequested",
  {
    readonly operationId: OperationId;
    readonly runId: RunId;
    readonly operation: AgentOperation;
    /** Where a person has to allow or answer it: until when. Then it counts as denied. */
    readonly approvalUntil: Instant | null;
    readonly mark: Mark;
  }
>;

/** The host's policy, a function of its user's, has to say whether the session may do it. */
export type AuthorisationAsked = Event<"AuthorisationAsked", { readonly operationId: OperationId }>;

/** The session may do it. */
export type OperationAuthorised = Event<
  "OperationAuthorised",
  {
    readonly operationId: OperationId;
    /** What said so: the host's policy, or the session's scope where a new owner has no policy. */
    readonly by: "policy" | "scope";
    /** Where a person has to allow it as well: until when. Null: it takes its place in its target's order. */
    readonly approvalUntil: Instant | null;
  }
>;

/** Somebody allowed it: it takes its place behind what was cleared before. */
export type ApprovalGranted = Event<
  "ApprovalGranted",
  { readonly operationId: OperationId; readonly by: string }
>;

/** Somebody refused it, or nobody allowed it in time. */
export type ApprovalDenied = Event<
  "ApprovalDenied",
  { readonly operationId: OperationId; readonly by: string; readonly reason: string }
>;

/** A person answered what the agent asked of people, or gave leave to use a tool. */
export type PersonAnswered = Event<
  "PersonAnswered",
  {
    readonly operationId: OperationId;
    readonly by: string;
    /** The answer to a question; null where leave was given. */
    readonly answer: string | null;
  }
>;

/** Nobody waits any more for what was asked of people: the turn is over, or the run. */
export type ApprovalWithdrawn = Event<
  "ApprovalWithdrawn",
  { readonly operationId: OperationId; readonly reason: "turn_ended" | "run_over" }
>;

/** It will not be done: the session may not do it, or the Tracker refused it for good. */
export type OperationRejected = Event<
  "OperationRejected",
  {
    readonly operationId: OperationId;
    readonly by: "policy" | "tracker";
    readonly code: string;
    readonly reason: string;
  }
>;

/** A call to the Tracker is about to be made. Precedes every call. */
export type OperationAttempted = Event<
  "OperationAttempted",
  { readonly operationId: OperationId; readonly attempt: number; readonly epoch: number }
>;

/** The call failed and is made again at `dueAt`, under the same key. */
export type OperationDeferred = Event<
  "OperationDeferred",
  {
    readonly operationId: OperationId;
    readonly attempt: number;
    readonly dueAt: Instant;
    readonly failure: Failure;
  }
>;

/** The call may have been done, and a repeat is not safe: the Tracker is asked first. */
export type OperationInDoubt = Event<
  "OperationInDoubt",
  {
    readonly operationId: OperationId;
    readonly attempt: number;
    /** When the Tracker is asked. */
    readonly dueAt: Instant;
    readonly failure: Failure;
  }
>;

/** Done, once, with the Tracker's proof. */
export type OperationDelivered = Event<
  "OperationDelivered",
  { readonly operationId: OperationId; readonly receipt: Receipt }
>;

/** Given up after its time ran out. */
export type OperationAbandoned = Event<
  "OperationAbandoned",
  {
    readonly operationId: OperationId;
    readonly failure: Failure;
    /** True where a call may have been done although no answer said so. */
    readonly maybeDelivered: boolean;
  }
>;

/** An operation that was given up is tried again, under the same key. */
export type OperationRedriven = Event<
  "OperationRedriven",
  { readonly operationId: OperationId; readonly epoch: number }
>;

/** What the agent asked for in a word that could not be read was mended, and is asked for after all. */
export type WordRedriven = Event<
  "WordRedriven",
  {
    readonly operationId: OperationId;
    readonly runId: RunId;
    readonly operation: TrackerOperation;
    /** Where a person has to allow it: until when. Then it counts as denied. */
    readonly approvalUntil: Instant | null;
    readonly by: string;
  }
>;

/** The agent has been told what became of it. */
export type OperationAnswered = Event<"OperationAnswered", { readonly operationId: OperationId }>;

/** Events about operations. */
export type OperationEvent =
  | OperationRequested
  | OperationRejected
  | OperationAttempted
  | OperationDeferred
  | OperationInDoubt
  | OperationDelivered
  | OperationAbandoned
  | OperationAnswered
  | OperationRedriven
  | WordRedriven
  | AuthorisationAsked
  | OperationAuthorised
  | ApprovalGranted
  | ApprovalDenied
  | ApprovalWithdrawn
  | PersonAnswered;
