import type { MessageDelivered } from "../../events/message-events.ts";
import type { OperationAnswered } from "../../events/operation-events.ts";
import type {
  RunRemoved,
  RunStarted,
  RunStartFailed,
  RunStopped,
} from "../../events/run-events.ts";
import type { EffectDeferred } from "../../events/session-events.ts";
import type { Failure } from "../../errors.ts";
import { backOff } from "../back-off.ts";
import type { Failed, Succeeded } from "../command.ts";
import type { Decision } from "../decision.ts";
import type { Effect, PutEffect, StartEffect, Verdict } from "../effect.ts";
import type { Started } from "../../ports/transport.ts";
import { judged } from "./authorise-rules.ts";
import { operationDone, operationFailed } from "./operation-rules.ts";
import { erased } from "./erase-rules.ts";
import { finishRun } from "./finish-run.ts";
import { current, recordEnd } from "./run-rules.ts";

/** What follows from an effect that succeeded. A late or repeated one changes nothing. */
export function succeeded(decision: Decision, command: Succeeded): void {
  const { effect } = command;
  switch (effect.type) {
    case "start":
      return started(decision, effect, command.value as Started);
    case "stop": {
      const run = current(decision, effect.run.runId);
      if (run === null || run.phase.type === "over") return;
      decision.emit<RunStopped>("RunStopped", { runId: effect.run.runId });
      return recordEnd(
        decision,
        effect.run.runId,
        command.value as Parameters<typeof recordEnd>[2],
      );
    }
    case "drain":
      return finishRun(decision, effect.run.runId);
    case "remove": {
      const { runId } = effect.run;
      if (decision.state.remains.has(runId)) decision.emit<RunRemoved>("RunRemoved", { runId });
      return;
    }
    case "erase":
      return erased(decision);
    case "put":
      return put(decision, effect);
    case "answer": {
      const { operationId } = effect;
      if (!decision.state.answers.has(operationId)) return;
      return decision.emit<OperationAnswered>("OperationAnswered", { operationId });
    }
    case "authorise":
      return judged(decision, effect.operationId, command.value as Verdict);
    case "perform":
    case "lookup":
      return operationDone(decision, effect, command.value as Parameters<typeof operationDone>[2]);
    default:
      effect satisfies never;
  }
}

/** What follows from an effect that failed. */
export function failed(decision: Decision, command: Failed): void {
  const { effect, failure, key } = command;
  if (effect.type === "perform" || effect.type === "lookup") {
    return operationFailed(decision, effect, failure);
  }
  if (effect.type === "start") return startFailed(decision, effect, key, failure);
  if (concerns(decision, effect)) defer(decision, key, failure);
}

function started(decision: Decision, { run: trace }: StartEffect, value: Started): void {
  const { runId, prompt } = trace;
  if (current(decision, runId)?.phase.type !== "requested") return;
  decision.emit<RunStarted>("RunStarted", { runId, host: value.host, handle: value.handle });
  const message = prompt === null ? undefined : decision.state.messages.get(prompt.messageId);
  if (message === undefined) return;
  decision.emit<MessageDelivered>("MessageDelivered", {
    messageId: message.id,
    runId,
    delivery: message.deliveries + 1,
  });
}

/** A failed start never ends a run, since it may have started it: it is stopped and looked for. */
function startFailed(decision: Decision, effect: StartEffect, key: string, failure: Failure): void {
  const { runId } = effect.run;
  if (current(decision, runId)?.phase.type !== "requested") return;
  if (isDeferred(decision, key)) return;
  const attempt = attemptOf(decision, key);
  // For a rate limit the session is parked, so that it holds no place while it waits.
  const isOver = failure.class === "permanent" || failure.class === "rate";
  if (isOver || attempt >= decision.state.policy.startAttempts) {
    decision.emit<RunStartFailed>("RunStartFailed", { runId, failure });
  } else {
    defer(decision, key, failure);
  }
}

function put(decision: Decision, { run, messageId, letter }: PutEffect): void {
  const message = decision.state.messages.get(messageId);
  if (current(decision, run.runId) === null || message?.at.type !== "queued") return;
  if (message.deliveries + 1 !== letter.delivery) return;
  const { delivery } = letter;
  decision.emit<MessageDelivered>("MessageDelivered", { messageId, runId: run.runId, delivery });
}

function concerns({ state }: Decision, effect: Effect): boolean {
  const { type: life } = state.life;
  if (effect.type === "erase") return life === "erasing";
  // Who waited for a place when the session ended waits for nothing any more.
  if (effect.type === "admit") return life === "open" || life === "closing";
  if (effect.type === "authorise")
    return state.approvals.get(effect.operationId)?.unauthorised === true;
  if (!("run" in effect)) return true;
  const { runId } = effect.run;
  return effect.type === "remove" ? state.remains.has(runId) : state.run?.trace.runId === runId;
}

function defer(decision: Decision, key: string, failure: Failure): void {
  if (isDeferred(decision, key)) return;
  const attempt = attemptOf(decision, key);
  const wait = backOff(decision.state.policy, attempt, `${decision.state.id} ${key}`);
  decision.emit<EffectDeferred>("EffectDeferred", {
    key,
    attempt,
    dueAt: decision.now + Math.max(wait, failure.retryAfterMs ?? 0),
    failure,
  });
}

/** An effect that waits was not carried out again: its failure is heard for the second time. */
function isDeferred(decision: Decision, key: string): boolean {
  const last = decision.state.deferred.get(key);
  return last !== undefined && last.dueAt > decision.now;
}

/** Counts failures in a row: one long after the last begins anew. */
function attemptOf(decision: Decision, key: string): number {
  const last = decision.state.deferred.get(key);
  if (last === undefined) return 1;
  const calm = decision.now - last.dueAt > 2 * decision.state.policy.retryCapMs;
  return calm ? 1 : last.attempt + 1;
}
