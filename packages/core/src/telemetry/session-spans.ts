import { SpanKind, type Attributes } from "@opentelemetry/api";
import type { EventOf } from "../events/catalogue.ts";
import type { Failure } from "../errors.ts";
import type { SessionRecord } from "../runtime/session-record.ts";
import { failureOfRun } from "../session/rules/finish-run.ts";
import type { Session } from "../session/state.ts";
import { agentAttributes, usageAttributes } from "./attributes.ts";
import type { OpenSpans } from "./open-spans.ts";

/**
 * The spans of a session: the session holds its runs, a run its turns, a turn what the agent asked
 * for in it. Retries, deadlines and adoptions are events in them. What people and agents said is
 * not in them.
 */
export function traceEvent(
  spans: OpenSpans,
  event: SessionRecord,
  before: Session,
  after: Session,
): void {
  const { now: at } = after;
  const session = `session ${after.id}`;
  const run = `run ${after.id} ${runOf(before, after)}`;
  const turn = `turn ${after.id}`;
  switch (event.type) {
    case "SessionOpened":
    case "SessionReopened":
      spans.begin({
        key: session,
        within: [],
        name: `session ${after.agent.slug}`,
        kind: SpanKind.INTERNAL,
        attributes: sessionAttributes(after),
        at,
        event: event.id,
      });
      return;
    case "SessionClosed":
      spans.end(session, { at, attributes: { "waybill.outcome": event.data.outcome } });
      return;
    case "SessionOwned":
      spans.note(session, "owned", at, { "waybill.epoch": event.data.epoch });
      return;
    case "SessionParked":
      spans.note(session, "parked", at, parkAttributes(event.data));
      return;
    case "SessionUnparked":
      spans.note(session, "unparked", at, { "waybill.reason": event.data.reason });
      return;
    case "RestartScheduled":
      spans.note(session, "restart scheduled", at, retryAttributes(event.data.reason, event.data));
      return;
    case "EffectDeferred":
      spans.note(session, "retry", at, {
        "waybill.effect": event.data.key,
        ...retryAttributes(event.data.failure.code, event.data),
      });
      return;
    case "RunRequested":
      spans.begin({
        key: run,
        within: [session],
        name: `run ${after.agent.slug}`,
        kind: SpanKind.INTERNAL,
        attributes: {
          ...sessionAttributes(after),
          "waybill.run.id": event.data.runId,
          "waybill.protocol": event.data.protocol,
        },
        at,
        event: event.id,
      });
      return;
    case "RunStarted":
      spans.note(run, "started", at, { "waybill.host": event.data.host });
      return;
    case "RunAdopted":
      spans.note(run, "adopted", at, { "waybill.epoch": event.data.epoch });
      return;
    case "AgentReady":
      spans.note(run, "ready", at, { "waybill.agent": event.data.agent });
      return;
    case "RunStopRequested":
      spans.note(run, "stop requested", at, { "waybill.reason": event.data.reason });
      return;
    case "RunDrained": {
      const lost = { code: "RUN_LOST", message: "The run was over before the turn had ended." };
      spans.end(turn, { at, error: lost });
      spans.end(run, { at, attributes: exitAttributes(before), error: failureOfRun(before) });
      return;
    }
    case "TurnStarted":
      spans.begin({
        key: turn,
        within: [run, session],
        name: `invoke_agent ${after.agent.name}`,
        kind: SpanKind.CLIENT,
        attributes: {
          "gen_ai.operation.name": "invoke_agent",
          ...sessionAttributes(after),
          "waybill.run.id": event.data.runId,
          "waybill.turn.id": event.data.turnId,
        },
        at,
        event: event.id,
      });
      return;
    case "InterruptRequested":
      spans.note(turn, "interrupt requested", at, { "waybill.reason": event.data.reason });
      return;
    case "TurnEnded":
      spans.end(turn, turnEnd(event, at));
      return;
    case "OperationRequested":
    case "OperationRedriven":
    case "WordRedriven":
      spans.begin({
        key: `operation ${event.data.operationId}`,
        within: [turn, run, session],
        ...operationFacts(after, event),
        at,
        event: event.id,
      });
      return;
    case "OperationAuthorised":
    case "ApprovalGranted":
    case "OperationAttempted":
    case "OperationDeferred":
    case "OperationInDoubt":
      spans.note(`operation ${event.data.operationId}`, noteOf[event.type], at, {
        ...("attempt" in event.data ? { "waybill.attempt": event.data.attempt } : {}),
        ...("failure" in event.data ? { "error.type": event.data.failure.code } : {}),
      });
      return;
    case "OperationDelivered":
      spans.end(`operation ${event.data.operationId}`, {
        at,
        attributes: { "waybill.outcome": "delivered" },
      });
      return;
    case "PersonAnswered":
    case "ApprovalWithdrawn":
      spans.end(`operation ${event.data.operationId}`, {
        at,
        attributes: { "waybill.outcome": endOf[event.type] },
      });
      return;
    case "OperationRejected":
    case "ApprovalDenied":
    case "OperationAbandoned":
      spans.end(`operation ${event.data.operationId}`, operationFailure(event, at));
      break;
    default:
  }
}

const noteOf = {
  OperationAuthorised: "authorised",
  ApprovalGranted: "approved",
  OperationAttempted: "attempt",
  OperationDeferred: "retry",
  OperationInDoubt: "in doubt",
} as const;

const endOf = { PersonAnswered: "answered", ApprovalWithdrawn: "withdrawn" } as const;

function runOf(before: Session, after: Session): string {
  return (after.run ?? before.run)?.trace.runId ?? "";
}

function sessionAttributes(session: Session): Attributes {
  return {
    ...agentAttributes(session),
    "gen_ai.conversation.id": session.conversation.id,
    "waybill.session.id": session.id,
    ...(session.tenant === null ? {} : { "waybill.tenant": session.tenant }),
  };
}

function parkAttributes(data: { readonly reason: string; readonly failure: Failure }): Attributes {
  return { "waybill.reason": data.reason, "error.type": data.failure.code };
}

function retryAttributes(
  code: string,
  data: { readonly failures: number } | { readonly attempt: number },
): Attributes {
  const attempt = "failures" in data ? data.failures : data.attempt;
  return { "error.type": code, "waybill.attempt": attempt };
}

function exitAttributes({ run }: Session): Attributes {
  const exit = run?.phase.type === "over" ? run.phase.exit : null;
  if (exit === null) return {};
  return {
    ...(exit.exitCode === null ? {} : { "process.exit.code": exit.exitCode }),
    ...(exit.signal === null ? {} : { "waybill.exit.signal": exit.signal }),
    "waybill.exit.oom_killed": exit.oomKilled,
  };
}

function turnEnd(event: EventOf<"TurnEnded">, at: number) {
  const { outcome, usage, error } = event.data;
  return {
    at,
    attributes: { "waybill.outcome": outcome, ...(usage === null ? {} : usageAttributes(usage)) },
    error: error ?? (outcome === "failed" ? { code: "_OTHER", message: "The turn failed." } : null),
  };
}

function operationFacts(
  { outbox, agent, id }: Session,
  event: EventOf<"OperationRequested" | "OperationRedriven" | "WordRedriven">,
) {
  const { operationId } = event.data;
  const type =
    "operation" in event.data
      ? event.data.operation.type
      : [...outbox.values()].flat().find((each) => each.id === operationId)?.operation.type;
  return {
    name: `execute_tool ${type ?? "operation"}`,
    kind: SpanKind.CLIENT,
    attributes: {
      "gen_ai.operation.name": "execute_tool",
      ...(type === undefined ? {} : { "gen_ai.tool.name": type }),
      "gen_ai.tool.call.id": operationId,
      ...agentAttributes({ agent }),
      "waybill.session.id": id,
    },
  };
}

function operationFailure(
  event: EventOf<"OperationRejected"> | EventOf<"ApprovalDenied"> | EventOf<"OperationAbandoned">,
  at: number,
) {
  switch (event.type) {
    case "OperationRejected":
      return {
        at,
        attributes: { "waybill.outcome": "rejected" },
        error: { code: event.data.code, message: event.data.reason },
      };
    case "ApprovalDenied":
      return {
        at,
        attributes: { "waybill.outcome": "denied" },
        error: { code: "DENIED", message: event.data.reason },
      };
    case "OperationAbandoned":
      return { at, attributes: { "waybill.outcome": "abandoned" }, error: event.data.failure };
    default:
      return event satisfies never;
  }
}
