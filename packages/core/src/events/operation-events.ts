import type { Failure } from "../errors.ts";
import type { Instant, OperationId, RunId } from "../ids.ts";
import type { Mark } from "../ports/agent-word.ts";
import type { Receipt, TrackerOperation } from "../ports/tracker.ts";
import type { Event } from "./event.ts";

/** The agent asked for something at the Tracker. The request is frozen here. */
export type OperationRequested = Event<
  "OperationRequested",
  {
    readonly operationId: OperationId;
    readonly runId: RunId;
    readonly operation: TrackerOperation;
    /** Where somebody has to allow it first: until when. Then it counts as denied. */
    readonly approvalUntil: Instant | null;
    readonly mark: Mark;
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
  | ApprovalGranted
  | ApprovalDenied;
