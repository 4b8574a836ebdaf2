// The orchestrator
export { createOrchestrator } from "./runtime/create-orchestrator.ts";
export type {
  AgentHandle,
  AllEventsOptions,
  OpenOptions,
  Orchestrator,
  OrchestratorOptions,
  SessionSummary,
  Sharing,
} from "./runtime/orchestrator.ts";
export type { AuthorisationAsked, AuthorisationPolicy } from "./runtime/authorisation.ts";
export type { ApprovalAsked, ApprovalPolicy, Judgement } from "./runtime/approver.ts";
export type { AgentBudget } from "./runtime/agent-accounts.ts";
export type { TrackerOf } from "./runtime/trackers.ts";
export { agentStream } from "./agents/agent-events.ts";
export type { AgentBudgetSet, AgentEvent, AgentSpent } from "./agents/agent-events.ts";
export type { AgentSpec } from "./runtime/agent-spec.ts";
export type {
  EraseOptions,
  EventsOptions,
  ForkOptions,
  SendOptions,
  Sent,
} from "./runtime/handle-options.ts";
export type { SessionHandle } from "./runtime/session-handle.ts";
export type { TurnResult } from "./runtime/answer.ts";
export type { SessionRecord } from "./runtime/session-record.ts";
export type { Redaction } from "./runtime/redactor.ts";
export { admit } from "./runtime/admission.ts";
export type { Limits, Place, WaitingPlace } from "./runtime/admission.ts";
export { systemClock } from "./runtime/system-clock.ts";
export { archiveSessions } from "./archive/archive-sessions.ts";
export type { Archived, ArchiveOptions } from "./archive/archive-sessions.ts";
export { restoreSession } from "./archive/restore-session.ts";
export { lineOf, readExportedLine } from "./archive/exported-line.ts";
export type { ExportedEvent, ExportedLine } from "./archive/exported-line.ts";
export { memoryStore } from "./memory-store.ts";
export type { MemoryStoreOptions } from "./memory-store.ts";
export { checkAppend, checkRestore, eventIdReused, restoreMismatch } from "./check-append.ts";
export { checkCheckpoint } from "./check-checkpoint.ts";

// Queries
export { openView } from "./queries/open-view.ts";
export type { ReadableLog, View, ViewOptions } from "./queries/open-view.ts";
export type { Projection } from "./queries/projection.ts";
export { overview, Overview } from "./queries/overview.ts";
export type { ApprovalRow, OutboxRow, SessionRow } from "./queries/overview.ts";
export type { AgentTotals } from "./queries/agent-totals.ts";

// The pure core
export { decide, step } from "./session/decide.ts";
export type { Step } from "./session/decide.ts";
export { evolve, foldEvents } from "./session/evolve.ts";
export { pending } from "./session/pending.ts";
export { unopened } from "./session/unopened.ts";
export type { RunCost, Totals } from "./session/totals.ts";
export type {
  Answer,
  Approval,
  Budget,
  Deferral,
  Life,
  MessagePlace,
  OpenMessage,
  Operation,
  OperationNote,
  OperationPlace,
  Owner,
  Parked,
  Restart,
  Run,
  RunPhase,
  RunStop,
  RunTrace,
  Session,
  Setback,
  Turn,
} from "./session/state.ts";
export { isIdle, statusOf } from "./session/status.ts";
export type { SessionStatus } from "./session/status.ts";
export { defaultPolicy } from "./session/policy.ts";
export type { Policy } from "./session/policy.ts";
export type { Seen, SessionCommand, Timed } from "./session/command.ts";
export type { AuthoriseEffect, Duty, Effect, Success, Verdict } from "./session/effect.ts";

// Events
export { eventSchemas } from "./events/catalogue.ts";
export type { EventOf, SessionEvent, SessionEventType } from "./events/catalogue.ts";
export type { Event, Recorded } from "./events/event.ts";
export type { Fork, LifeEvent, ParkReason, Scope } from "./events/session-events.ts";
export type { MessageEvent } from "./events/message-events.ts";
export type { LossEvidence, RunEvent, StopReason } from "./events/run-events.ts";
export type { OperationEvent } from "./events/operation-events.ts";
export type { MeterEvent } from "./events/meter-events.ts";

// Work that comes in by itself
export { dispatchStream, dispatchStreamOf } from "./dispatch/dispatch-events.ts";
export type { DispatchEvent, DispatchCommand, DispatchReason } from "./dispatch/dispatch-events.ts";
export { evolveDispatch, nothingDispatched } from "./dispatch/dispatch-state.ts";
export type { DispatchState } from "./dispatch/dispatch-state.ts";
export { dispatch } from "./dispatch/dispatch.ts";
export type { DispatchInput } from "./dispatch/dispatch.ts";
export { wholeRules } from "./dispatch/rules.ts";
export type { WholeRules, DispatchRules, DispatchAgent, Dispatchable } from "./dispatch/rules.ts";
export { runDispatcher } from "./dispatch/run-dispatcher.ts";
export type { DispatcherOptions } from "./dispatch/run-dispatcher.ts";
export { tellingByReading } from "./dispatch/telling-by-reading.ts";
export type { ReadingOptions } from "./dispatch/telling-by-reading.ts";
export { fillTemplate, checkTemplate } from "./dispatch/template.ts";

// Words
export type { Json, JsonObject } from "./json.ts";
export type { AgentSlug, Instant, MessageId, OperationId, RunId, SessionId } from "./ids.ts";
export { WaybillError, failureOf, isWaybillError } from "./errors.ts";
export type { Failure, FailureClass, WaybillErrorOptions } from "./errors.ts";

// Ports
export type { Clock } from "./ports/clock.ts";
export type { Ids } from "./ports/ids.ts";
export type { Logger } from "./ports/logger.ts";
export type {
  AppendResult,
  CheckpointResult,
  ErasedEvent,
  EventStore,
  ExpectedVersion,
  Lease,
  NewEvent,
  ReadAllOptions,
  ReadOptions,
  StoredEvent,
} from "./ports/event-store.ts";
export { planEnvironment, planPath } from "./ports/run-plan.ts";
export type {
  Conversation,
  PlannedFolder,
  PlannedPath,
  PlannedValue,
  RunHandle,
  RunLease,
  RunPlan,
  RunSpec,
} from "./ports/run-plan.ts";
export type { RunExit, RunSighting, Started, Transport, TransportInfo } from "./ports/transport.ts";
export type {
  Activity,
  AgentWord,
  Incoming,
  Mark,
  TurnError,
  TurnOutcome,
  Usage,
} from "./ports/agent-word.ts";
export { isPersonal } from "./ports/agent-operation.ts";
export type { AgentOperation, PersonOperation } from "./ports/agent-operation.ts";
export type { Letter, Mailbox, ReceiveOptions, RunLeases } from "./ports/mailbox.ts";
export { isSamePlace } from "./ports/site.ts";
export type { Site } from "./ports/site.ts";
export type {
  Attachment,
  Gateway,
  MeteredSession,
  MeterMark,
  MeterMarks,
  MeterOptions,
  MeterReading,
  SpendingTerms,
} from "./ports/gateway.ts";
export type {
  Receipt,
  TaskStatus,
  TellingTracker,
  Tracker,
  TrackerCall,
  TrackerCapabilities,
  TrackerOperation,
} from "./ports/tracker.ts";
export type {
  BoardAuthor,
  MessageFacts,
  SubscribeOptions,
  TaskFacts,
  TrackerEvent,
  TrackerHappening,
} from "./ports/tracker-event.ts";
