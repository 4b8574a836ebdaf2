// What holds after every step and at the end of every life.
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import {
  decide,
  evolve,
  foldEvents,
  isWaybillError,
  pending,
  unopened,
  type Duty,
  type Recorded,
  type Seen,
  type Session,
  type SessionCommand,
  type SessionEvent,
  type Step,
  type Timed,
} from "@waybill/core";
import type { Book } from "@waybill/core/testing";
import type { Board } from "./machine.ts";

/** A command that was taken, and everything around it. */
export interface TakenStep {
  readonly before: Session;
  readonly command: Timed;
  readonly step: Step;
  readonly book: Book;
  readonly seen: Seen;
}

/** After every command that was taken. */
export function checkStep(taken: TakenStep): void {
  const { before, command, step, book, seen } = taken;
  assert.ok(step.now >= before.now, "time never goes back");
  const folded = step.events.reduce<Session>(
    (state, event) => evolve(state, { ...event, recordedAt: step.now }),
    before,
  );
  assert.ok(isDeepStrictEqual(folded, step.state), "what was decided is what the events fold to");
  checkRepeat(command, step.state);
  checkApprovals(step.state);
  checkOpenWork(step.state);
  const looked =
    command.type === "Tick"
      ? { ...command.seen, now: step.now }
      : { ...seen, now: step.now, caughtUpAt: null };
  checkDuties(pending(step.state, looked), step.state, book);
  checkTick(pending(step.state, looked), looked.now);
  checkDuties(pending(step.state, seen), step.state, book);
  checkHandled(command, before, step);
}

/** Facts are never refused, wishes only with a code that they may be refused with. */
export function checkRefusal(command: Timed, state: Session, code: string): void {
  const codes = refusals[command.type] ?? [];
  assert.ok(codes.includes(code), `${command.type} was refused with ${code}`);
  assert.throws(() => decide(command, state), { code }, "a refusal is no accident");
}

const refusals: { readonly [Type in SessionCommand["type"]]?: readonly string[] } = {
  OpenSession: ["AGENT_MISMATCH", "SESSION_ERASED"],
  OwnSession: ["STALE_EPOCH", "SESSION_NOT_FOUND"],
  DecideApproval: ["NOT_AUTHORISED"],
  SendMessage: [
    "SESSION_NOT_FOUND",
    "SESSION_CLOSING",
    "SESSION_ENDED",
    "SESSION_ERASED",
    "QUEUE_FULL",
  ],
  CloseSession: ["SESSION_NOT_FOUND"],
  EraseSession: ["SESSION_NOT_FOUND", "SESSION_OPEN"],
  RaiseBudget: ["BUDGET_TOO_LOW", "SESSION_NOT_FOUND", "SESSION_ERASED"],
  RedriveOperation: ["OPERATION_NOT_FOUND", "SESSION_ENDED", "SESSION_ERASED"],
};

/** The log tells the same story however it is read. */
export function checkReplay(log: readonly Recorded<SessionEvent>[], live: Session): void {
  const atOnce = foldEvents(unopened(live.id), log);
  assert.ok(isDeepStrictEqual(atOnce, live), "replay in one go equals the live state");
  const written: Recorded<SessionEvent>[] = JSON.parse(JSON.stringify(log));
  assert.ok(
    isDeepStrictEqual(foldEvents(unopened(live.id), written), live),
    "events are JSON-safe",
  );
  checkUnknown(log, live);
  checkTombstone(log, live);
}

/** What a store keeps of an erased session tells the same as the whole log did. */
function checkTombstone(log: readonly Recorded<SessionEvent>[], live: Session): void {
  const last = log.at(-1);
  if (last?.type !== "SessionErased") return;
  const { version } = live;
  const left = { ...evolve(unopened(live.id), last), version };
  assert.ok(isDeepStrictEqual(left, live), "the tombstone tells all that is left");
}

/** No key is in flight twice at the board, nothing done is called undone, nothing is done twice. */
export function checkWorld(world: {
  readonly board: Board;
  readonly book: Book;
  readonly log: readonly Recorded<SessionEvent>[];
  readonly state: Session;
  readonly late: ReadonlySet<string>;
}): void {
  const { board, book, log, state, late } = world;
  assert.equal(board.repeated, 0, "nothing is done twice at the board");
  const doubtful = new Set(
    log.flatMap((event) =>
      event.type === "OperationAbandoned" && event.data.maybeDelivered
        ? [event.data.operationId]
        : [],
    ),
  );
  for (const { key } of board.done) {
    const end = book.ends.get(key);
    if (late.has(key)) continue;
    const isHonest =
      end === undefined || end === "delivered" || (end === "abandoned" && doubtful.has(key));
    assert.ok(isHonest, `${key} was done at the board and is called ${end}`);
  }
  assert.deepEqual(
    [...state.messages.keys()].toSorted(),
    [...book.messages.keys()].toSorted(),
    "every message is settled, discarded or open",
  );
  const open = [...state.outbox.values()].flat().map(({ id }) => id);
  assert.deepEqual(
    [...open, ...state.approvals.keys()].toSorted(),
    [...book.operations.keys()].toSorted(),
    "every operation is over or open",
  );
  checkOrder(board, book, log);
}

/** On each target, what was done was done in the order in which it was cleared. */
function checkOrder(board: Board, book: Book, log: readonly Recorded<SessionEvent>[]): void {
  const cleared = log.flatMap((event) => {
    if (
      (event.type === "OperationRequested" || event.type === "WordRedriven") &&
      event.data.approvalUntil === null
    )
      return [event.data.operationId];
    if (event.type === "OperationAuthorised" && event.data.approvalUntil === null)
      return [event.data.operationId];
    return event.type === "ApprovalGranted" || event.type === "OperationRedriven"
      ? [event.data.operationId]
      : [];
  });
  const place = (key: string): number => cleared.lastIndexOf(key);
  const last = new Map<string, number>();
  for (const { key, target } of board.done) {
    if (book.ends.get(key) !== "delivered") continue;
    if (cleared.indexOf(key) !== place(key)) continue; // driven again: it was done at its first or second place
    assert.ok(place(key) > (last.get(target) ?? -1), `${key} was done out of order`);
    last.set(target, place(key));
  }
}

/** A repeat of anything gives nothing. */
function checkRepeat(command: Timed, state: Session): void {
  let again: readonly SessionEvent[];
  try {
    again = decide(command, state);
  } catch (error) {
    assert.ok(isWaybillError(error), String(error));
    return;
  }
  assert.deepEqual(
    again.map(({ type }) => type),
    [],
    `a repeat of ${command.type} gives nothing`,
  );
}

function checkDuties(duties: readonly Duty[], state: Session, book: Book): void {
  const keys = duties.map(({ key }) => key);
  assert.equal(new Set(keys).size, keys.length, `keys are unique: ${keys.join(", ")}`);
  for (const duty of duties) if ("effect" in duty) checkEffect(duty, book);
  if (book.life === "ended" || book.life === "erased")
    assert.deepEqual(keys, [], "nothing is pending once it has ended");
  if (state.owner === null) assert.deepEqual(keys, [], "nothing is pending for nobody");
  const waitsForSomebody = book.parked || book.exceeded || book.agentExceeded;
  if (state.owner !== null && book.outstanding().length > 0 && !waitsForSomebody) {
    assert.ok(
      keys.length > 0,
      `something is pending while there is ${book.outstanding().join(", ")}`,
    );
  }
}

/** A session that ends at once waits for nobody to allow anything. */
function checkApprovals({ life, approvals }: Session): void {
  const endsAtOnce = life.type === "closing" && (life.outcome === "stopped" || life.expired);
  if (endsAtOnce) assert.equal(approvals.size, 0, "what ends at once waits for nobody");
}

/** The state holds open work only, and knows what it has cost. */
function checkOpenWork(session: Session): void {
  const { deferred, run, remains, answers, notes, budget, totals, costs } = session;
  const runs = [...remains.keys(), ...(run === null ? [] : [run.trace.runId])];
  for (const key of deferred.keys()) {
    const asked = /^op:(.*)\/authorise$/.exec(key)?.[1];
    if (asked !== undefined) {
      assert.ok(session.approvals.get(asked)?.unauthorised, `${key} is deferred and long over`);
      continue;
    }
    const isOpen =
      key === "admit" || key === "erase" || runs.some((id) => key.startsWith(`${id}/`));
    assert.ok(isOpen, `${key} is deferred and long over`);
  }
  for (const id of costs.keys()) assert.ok(runs.includes(id), `the cost of ${id} is long settled`);
  for (const { runId } of answers.values())
    assert.equal(runId, run?.trace.runId, "answers for the present run");
  assert.ok(notes.size <= 100, "a continuation has an end");
  const isOver = budget.capUsd !== null && totals.costUsd >= budget.capUsd && !run?.turn;
  if (isOver) assert.ok(budget.exceeded, "a budget that is spent is known to be");
}

/** An effect is pending only while the event is missing that says that it was done. */
function checkEffect(
  { key, effect }: Extract<Duty, { readonly effect: unknown }>,
  book: Book,
): void {
  const { run } = book;
  if ("run" in effect && effect.type !== "remove")
    assert.equal(effect.run.runId, run?.id, `${key} concerns the present run`);
  switch (effect.type) {
    case "admit":
      return assert.ok(
        run === null &&
          !book.parked &&
          !book.exceeded &&
          !book.agentExceeded &&
          book.messages.size > 0,
        key,
      );
    case "start":
      return assert.ok(
        run && !run.started && !run.startFailed && !run.over && run.stop === null,
        key,
      );
    case "hold":
    case "watch":
    case "attach":
    case "meter":
    case "receive":
      return assert.ok(run?.started && !run.over, key);
    case "drain":
      return assert.ok(run?.over, key);
    case "stop":
      return assert.ok(
        run && !run.stopped && !run.over && (run.stop !== null || run.startFailed),
        key,
      );
    case "remove":
      return assert.ok(book.remains.has(effect.run.runId), key);
    case "put": {
      const message = book.messages.get(effect.messageId);
      return assert.ok(
        message?.at === "open" && message.deliveries + 1 === effect.letter.delivery,
        key,
      );
    }
    case "interrupt":
    case "dismiss":
      return assert.ok(run?.ready && !run.over, key);
    case "answer":
      return assert.ok(
        book.ends.has(effect.operationId) && !book.answered.has(effect.operationId),
        key,
      );
    case "erase":
      return assert.equal(book.life, "erasing", key);
    case "perform": {
      const operation = book.operations.get(effect.operationId);
      assert.equal(operation?.at, "attempted", `an attempt precedes ${key}`);
      assert.equal(operation?.epoch, book.epoch, `${key} belongs to the present owner`);
      return assert.equal(operation?.attempts, effect.attempt);
    }
    case "lookup":
      return assert.equal(book.operations.get(effect.operationId)?.at, "doubted", key);
    case "authorise":
      return assert.ok(book.unauthorised.has(effect.operationId), `${key} is asked for`);
    default:
      effect satisfies never;
  }
}

/** Every deadline that passed has moved or vanished. */
function checkTick(duties: readonly Duty[], now: number): void {
  for (const duty of duties)
    if ("at" in duty) assert.ok(duty.at > now, "a deadline that passed is still due");
}

/** What was carried out, well or not, is not wanted again at the same instant. */
function checkHandled(command: Timed, before: Session, step: Step): void {
  if (command.type !== "Succeeded" && command.type !== "Failed") return;
  const seen = { now: step.now, aliveAt: null, caughtUpAt: null };
  const was = pending(before, seen).find(
    (duty) => "effect" in duty && isDeepStrictEqual(duty.effect, command.effect),
  );
  if (was === undefined) return;
  const still = pending(step.state, seen).some(({ key }) => key === was.key);
  assert.ok(!still, `${was.key} is still wanted after ${command.type}`);
}

/** What a later release wrote harms nobody: `evolve` passes it over. */
function checkUnknown(log: readonly Recorded<SessionEvent>[], live: Session): void {
  let state = unopened(live.id);
  let strangers = 0;
  for (const [index, event] of log.entries()) {
    if (index % 7 === 3) {
      const tomorrow = { type: "TomorrowsEvent", data: { index }, recordedAt: event.recordedAt };
      state = evolve(state, tomorrow as unknown as Recorded<SessionEvent>);
      strangers += 1;
    }
    state = evolve(state, event);
  }
  assert.ok(
    isDeepStrictEqual({ ...state, version: state.version - strangers }, live),
    "unknown events change nothing",
  );
}
