import type { Instant } from "../ids.ts";
import { isPersonal } from "../ports/agent-operation.ts";
import type { Seen } from "./command.ts";
import { deadlines } from "./deadlines.ts";
import type { Duty, Effect } from "./effect.ts";
import { keyOf } from "./effect-keys.ts";
import { wantsRun } from "./rules/run-rules.ts";
import { isOverBudget } from "./status.ts";
import { isAway, isOutOfReach } from "./away.ts";
import type { OpenMessage, Run, RunTrace, Session } from "./state.ts";
import { targetOf } from "./target.ts";

type EffectDuty = Extract<Duty, { readonly effect: Effect }>;

/**
 * Everything outstanding, derived from the state: the effects to carry out now, and the instant at
 * which to look again. The same for normal work, after a restart, and for retries.
 */
export function pending(session: Session, seen: Seen): readonly Duty[] {
  if (session.owner === null || session.life.type === "unopened") return [];
  const duties: Duty[] = [];
  let wake = Infinity;
  for (const duty of wanted(session)) {
    const dueAt = dueOf(session, duty);
    if (dueAt <= seen.now) duties.push(duty);
    else wake = Math.min(wake, dueAt);
  }
  for (const { at } of deadlines(session, seen)) wake = Math.min(wake, at);
  for (const [first] of session.outbox.values()) {
    if (first?.at.type === "waiting") wake = Math.min(wake, first.at.dueAt);
  }
  if (wake < Infinity) duties.push({ key: "tick", at: wake });
  return duties;
}

function dueOf(session: Session, { key, effect }: EffectDuty): Instant {
  if (effect.type === "lookup") {
    const head = session.outbox.get(effect.target)?.[0];
    return head?.at.type === "in_doubt" ? head.at.dueAt : 0;
  }
  const deferred = session.deferred.get(key)?.dueAt ?? 0;
  if (effect.type === "admit") return Math.max(deferred, session.restart.dueAt ?? 0);
  return deferred;
}

function* wanted(session: Session): Generator<EffectDuty> {
  if (session.life.type === "erasing") yield { key: keyOf.erase, effect: { type: "erase" } };
  if (wantsRun(session)) yield { key: keyOf.admit, effect: { type: "admit" } };
  if (session.run !== null) yield* runDuties(session, session.run);
  for (const run of session.remains.values()) yield removeDuty(session, run);
  yield* operationDuties(session);
  yield* authoriseDuties(session);
}

function* runDuties(session: Session, run: Run): Generator<EffectDuty> {
  const { trace, phase, stop } = run;
  const { runId } = trace;
  // Nobody here can see it or reach it: it is left alone until its lease has ended.
  if (isAway(session)) return;
  switch (phase.type) {
    case "requested":
      if (stop === null) yield { key: keyOf.start(runId), effect: { type: "start", run: trace } };
      else yield stopDuty(session, run);
      return;
    case "start_failed":
      yield stopDuty(session, run);
      return;
    case "over":
      yield { key: keyOf.drain(runId), effect: { type: "drain", run: trace, after: run.mark } };
      return;
    case "started":
    case "ready":
      if (trace.leaseMs !== undefined)
        yield { key: keyOf.hold(runId), effect: { type: "hold", run: trace } };
      yield { key: keyOf.watch(runId), effect: { type: "watch", run: trace } };
      yield attachDuty(session, run);
      yield { key: keyOf.meter(runId), effect: { type: "meter", run: trace } };
      yield { key: keyOf.receive(runId), effect: { type: "receive", run: trace, after: run.mark } };
      if (stop?.mode === "kill") yield stopDuty(session, run);
      if (stop?.mode === "drain") yield dismissDuty(session, run);
      if (phase.type === "ready") yield* mailDuties(session, run);
      return;
    default:
      phase satisfies never;
  }
}

function removeDuty(session: Session, run: RunTrace): EffectDuty {
  const away = isOutOfReach(session, run) ? ({ away: true } as const) : {};
  return { key: keyOf.remove(run.runId), effect: { type: "remove", run, ...away } };
}

/** Another cap is another effect: a raised one reaches the gateway before the next message. */
function attachDuty({ budget }: Session, { trace }: Run): EffectDuty {
  const { capUsd } = budget;
  const key = keyOf.attach(trace.runId, capUsd);
  return { key, effect: { type: "attach", run: trace, capUsd } };
}

function stopDuty({ policy }: Session, { trace }: Run): EffectDuty {
  return {
    key: keyOf.stop(trace.runId),
    effect: { type: "stop", run: trace, graceMs: policy.graceMs },
  };
}

function dismissDuty({ policy }: Session, { trace, stop }: Run): EffectDuty {
  const letter = {
    type: "close",
    reason: stop?.reason ?? "closing",
    deadlineMs: policy.drainMs,
  } as const;
  return { key: keyOf.dismiss(trace.runId), effect: { type: "dismiss", run: trace, letter } };
}

function* mailDuties(session: Session, run: Run): Generator<EffectDuty> {
  const { trace, turn, stop } = run;
  if (turn !== null && turn.interruptUntil !== null) {
    yield {
      key: keyOf.interrupt(trace.runId, turn.id),
      effect: { type: "interrupt", run: trace, letter: { type: "interrupt", turn: turn.id } },
    };
  }
  for (const { operationId, seq, status, data, error } of session.answers.values()) {
    yield {
      key: keyOf.answer(trace.runId, seq),
      effect: {
        type: "answer",
        run: trace,
        operationId,
        letter: {
          type: "answer",
          re: seq,
          status,
          ...(data === null ? {} : { data }),
          ...(error === null ? {} : { error }),
        },
      },
    };
  }
  if (stop === null && !isOverBudget(session))
    for (const message of toHandOver(session, run)) yield putDuty(run, message);
}

/** Queued messages in order; one at a time for protocol 0, whose answers name no message. */
function toHandOver(session: Session, run: Run): readonly OpenMessage[] {
  const queued: OpenMessage[] = [];
  let inHand = false;
  for (const message of session.messages.values()) {
    if (message.at.type === "queued") queued.push(message);
    else if (message.at.type === "delivered" || message.at.type === "accepted") inHand = true;
  }
  queued.sort((one, other) => one.position - other.position);
  if (run.trace.protocol === 0) return inHand ? [] : queued.slice(0, 1);
  return queued;
}

function putDuty({ trace }: Run, message: OpenMessage): EffectDuty {
  const { id, position, text, from } = message;
  const delivery = message.deliveries + 1;
  return {
    key: keyOf.put(trace.runId, id, delivery),
    effect: {
      type: "put",
      run: trace,
      messageId: id,
      letter: { type: "message", id, delivery, position, text, from },
    },
  };
}

function* operationDuties({ outbox, owner }: Session): Generator<EffectDuty> {
  for (const [target, [head]] of outbox) {
    if (head === undefined) continue;
    const { id: operationId, attempts: attempt, operation } = head;
    if (head.at.type === "attempted" && head.at.epoch === owner?.epoch) {
      yield {
        key: keyOf.perform(operationId, attempt),
        effect: { type: "perform", operationId, attempt, target, operation },
      };
    } else if (head.at.type === "in_doubt") {
      yield {
        key: keyOf.lookup(operationId, attempt),
        effect: { type: "lookup", operationId, attempt, target, operation },
      };
    }
  }
}

/** The first of each target alone, so that what is allowed keeps its order there. */
function* authoriseDuties({ approvals, owner }: Session): Generator<EffectDuty> {
  if (owner?.authorises === undefined) return;
  const targets = new Set<string>();
  for (const [operationId, approval] of approvals) {
    const { operation } = approval.operation;
    if (approval.unauthorised === undefined || isPersonal(operation)) continue;
    const target = targetOf(operation);
    if (targets.has(target)) continue;
    targets.add(target);
    yield {
      key: keyOf.authorise(operationId),
      effect: { type: "authorise", operationId, target, operation },
    };
  }
}
