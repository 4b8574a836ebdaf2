import type { MeterEvent } from "./meter-events.ts";
import type { LifeEvent } from "./session-events.ts";
import type { MessageEvent } from "./message-events.ts";
import type { OperationEvent } from "./operation-events.ts";
import type { RunEvent } from "./run-events.ts";

/** Every event of a session. */
export type SessionEvent = LifeEvent | MessageEvent | RunEvent | OperationEvent | MeterEvent;

/** The name of an event. */
export type SessionEventType = SessionEvent["type"];

/** The event with this name. */
export type EventOf<Type extends SessionEventType> = Extract<SessionEvent, { readonly type: Type }>;

/**
 * The present schema of every event type. A change of an event's shape raises its number and adds
 * an upcaster. The compiler keeps this list complete.
 */
export const eventSchemas: Readonly<Record<SessionEventType, number>> = {
  SessionOpened: 1,
  SessionReopened: 1,
  SessionOwned: 1,
  SiteAbandoned: 1,
  SessionParked: 1,
  SessionUnparked: 1,
  RestartScheduled: 1,
  BudgetExceeded: 1,
  BudgetRaised: 1,
  AgentBudgetExceeded: 1,
  AgentBudgetRaised: 1,
  CloseRequested: 1,
  CloseExpired: 1,
  SessionClosed: 1,
  ErasureRequested: 1,
  SessionErased: 1,
  EffectDeferred: 1,
  MessageQueued: 1,
  ContinuationQueued: 1,
  MessageDelivered: 1,
  MessageAccepted: 1,
  MessageDiscarded: 1,
  TurnStarted: 1,
  TurnEnded: 1,
  InterruptRequested: 1,
  RunRequested: 1,
  RunStarted: 1,
  RunStartFailed: 1,
  RunAdopted: 1,
  AgentReady: 1,
  ContextRestored: 1,
  RunStopRequested: 1,
  RunStopped: 1,
  RunExited: 1,
  RunLost: 1,
  RunDrained: 1,
  RunRemoved: 1,
  AgentLeft: 1,
  WordRejected: 1,
  MailboxGapSkipped: 1,
  OperationRequested: 1,
  OperationRejected: 1,
  OperationAttempted: 1,
  OperationDeferred: 1,
  OperationInDoubt: 1,
  OperationDelivered: 1,
  OperationAbandoned: 1,
  OperationAnswered: 1,
  OperationRedriven: 1,
  WordRedriven: 1,
  AuthorisationAsked: 1,
  OperationAuthorised: 1,
  ApprovalGranted: 1,
  ApprovalDenied: 1,
  ApprovalWithdrawn: 1,
  PersonAnswered: 1,
  ModelUsageRecorded: 1,
  GatewayRequestRefused: 1,
};
