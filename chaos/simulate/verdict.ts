import { isDeepStrictEqual } from "node:util";
import {
  isPersonal,
  foldEvents,
  unopened,
  type Recorded,
  type Session,
  type SessionEvent,
  type TrackerOperation,
} from "@waybill/core";
import { Ledger, type FakeBoard, type FakeWorld } from "@waybill/core/testing";

/** What an orchestrator took to be a session's state, and how many events its log had by then. */
export interface View {
  readonly state: Session;
  readonly recorded: number;
}

/** What is judged. */
export interface Evidence {
  readonly world: FakeWorld;
  readonly board: FakeBoard;
  /** The sessions, and the texts of all messages that were sent to each, however often. */
  readonly sessions: ReadonlyMap<string, readonly string[]>;
  /** What each orchestrator that was there in the end took to be the state of each. */
  readonly states: readonly ReadonlyMap<string, View>[];
  /** Whether a transcript was lost: then an agent may hear something twice. */
  readonly forgetful: boolean;
}

/** What became of it. */
export interface Verdict {
  /** Operations that were not done although nobody refused or gave up, and words that no log knows. */
  readonly lost: number;
  /** Operations that were done more than once. */
  readonly repeated: number;
  /** Every promise that was broken, in words. */
  readonly problems: readonly string[];
}

/** Compares what the agents said, what the logs tell and what the board shows. */
export async function judge(evidence: Evidence): Promise<Verdict> {
  const problems: string[] = [];
  const ends = new Map<string, string>();
  const cleared: string[] = [];
  const redriven = new Set<string>();
  let words = 0;
  for (const [session, sent] of evidence.sessions) {
    const log = await logOf(evidence.world, session);
    const { book } = audit(session, log, problems);
    if (book.life !== "ended") problems.push(`${session} is ${book.life} in the end`);
    for (const [id, end] of book.ends) ends.set(id, end);
    cleared.push(...log.flatMap(clearedBy));
    for (const { type, data } of log)
      if (type === "OperationRedriven") redriven.add(data.operationId);
    words += checkWords(evidence.world, log, problems);
    checkMessages(session, sent, log, problems);
    for (const states of evidence.states) checkView(session, states.get(session), log, problems);
  }
  checkRuns(evidence, problems);
  const counts = checkOperations(evidence, ends, problems);
  checkOrder(evidence, ends, { cleared, redriven }, problems);
  return { lost: counts.lost + words, repeated: counts.repeated, problems };
}

/** A session's log. It is our own store's, so what it gives are our events. */
export async function logOf(
  world: FakeWorld,
  session: string,
): Promise<readonly Recorded<SessionEvent>[]> {
  const log: Recorded<SessionEvent>[] = [];
  for await (const page of world.store.read(session)) {
    log.push(...page.map((stored) => stored as unknown as Recorded<SessionEvent>));
  }
  return log;
}

/** The whole store, an event a line. Who owned a session is told without the process that it was. */
export async function wholeLog({ store }: FakeWorld): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const page of store.readAll()) {
    lines.push(...page.map((event) => JSON.stringify(event).replace(/"owner":"\d+-/, '"owner":"')));
  }
  return lines;
}

/** Whoever was there in the end knows all that was recorded by then, and nothing else. */
function checkView(
  session: string,
  view: View | undefined,
  log: readonly Recorded<SessionEvent>[],
  problems: string[],
): void {
  if (view === undefined) return;
  const { state, recorded } = view;
  const replayed = foldEvents(unopened(session), log.slice(0, state.version));
  if (!isDeepStrictEqual(state, replayed)) {
    problems.push(`${session}: a live state is not what its log comes to`);
  }
  if (state.version < recorded) {
    problems.push(`${session}: somebody knows ${state.version} of ${recorded} events`);
  }
}

function audit(
  session: string,
  log: readonly Recorded<SessionEvent>[],
  problems: string[],
): Ledger {
  const ledger = new Ledger();
  for (const [index, event] of log.entries()) {
    try {
      ledger.enter(event);
    } catch (error) {
      problems.push(`${session}, event ${index + 1} (${event.type}): ${messageOf(error)}`);
    }
  }
  return ledger;
}

/** When a run is done with, everything that it ever said is recorded; gives how much is not. */
function checkWords(
  { host }: FakeWorld,
  log: readonly Recorded<SessionEvent>[],
  problems: string[],
): number {
  let lost = 0;
  for (const event of log) {
    if (event.type === "MailboxGapSkipped") problems.push(`${event.data.runId} has a gap`);
    if (event.type !== "RunDrained") continue;
    const { runId, mark } = event.data;
    const said = host.runs.get(runId)?.said.all.length ?? 0;
    if (said === mark.seq) continue;
    problems.push(`${runId} said ${said} words and ${mark.seq} are recorded`);
    lost += said - mark.seq;
  }
  return lost;
}

/** Each message is in the log once; what became of it is audited. */
function checkMessages(
  session: string,
  sent: readonly string[],
  log: readonly Recorded<SessionEvent>[],
  problems: string[],
): void {
  const queued = log.flatMap(({ type, data }) => (type === "MessageQueued" ? [data.text] : []));
  for (const text of sent) {
    const times = queued.filter((each) => each === text).length;
    if (times !== 1)
      problems.push(`${session}: "${text}" was sent and is in the log ${times} times`);
  }
  if (queued.length > sent.length) problems.push(`${session} has messages that nobody sent`);
}

function clearedBy(event: SessionEvent): readonly string[] {
  switch (event.type) {
    case "OperationRequested":
      return event.data.approvalUntil === null ? [event.data.operationId] : [];
    case "ApprovalGranted":
      return [event.data.operationId];
    default:
      return [];
  }
}

function checkRuns({ world, forgetful }: Evidence, problems: string[]): void {
  const { host } = world;
  for (const runs of host.twins) problems.push(`${runs.join(" and ")} lived at the same time`);
  for (const { spec, lives, launched, removed } of host.runs.values()) {
    if (lives) problems.push(`${spec.runId} lives on`);
    else if (launched === "yes" && !removed) problems.push(`${spec.runId} was never removed`);
  }
  if (forgetful) return;
  const heard = [...host.runs.values()].map(({ spec }) => spec.agent.slug);
  for (const slug of new Set(heard)) {
    const ids = host.brain(slug).heard.map(({ conversation, id }) => `${conversation} ${id}`);
    if (new Set(ids).size < ids.length) problems.push(`${slug} heard a message twice`);
  }
}

function checkOperations(
  { world, board }: Evidence,
  ends: ReadonlyMap<string, string>,
  problems: string[],
): { readonly lost: number; readonly repeated: number } {
  const counts = { lost: 0, repeated: 0 };
  const done = doneAt(board);
  for (const [id, operation] of operationsAsked(world)) {
    const end = ends.get(id) ?? "in no log";
    const times = done.filter(({ key }) => key === id).length;
    const isMissing = end === "delivered" && times === 0 && !isQuestion(operation);
    if (end === "in no log" || isMissing) {
      counts.lost += 1;
      problems.push(`${id} is lost: it is ${end} and was done ${times} times`);
    }
    if (times > 1) {
      counts.repeated += 1;
      problems.push(`${id} was done ${times} times`);
    }
    if (times > 0 && (end === "denied" || end === "rejected")) {
      problems.push(`${id} was done although it is ${end}`);
    }
  }
  return counts;
}

/**
 * On each target, what was delivered was done in the order in which it was cleared. What was driven
 * again has two places, and may have been done at either.
 */
function checkOrder(
  { board, sessions }: Evidence,
  ends: ReadonlyMap<string, string>,
  { cleared, redriven }: { readonly cleared: readonly string[]; readonly redriven: Set<string> },
  problems: string[],
): void {
  for (const session of sessions.keys()) {
    const last = new Map<string, number>();
    for (const { key, target } of doneAt(board)) {
      if (!key.startsWith(`${session}/`) || ends.get(key) !== "delivered") continue;
      if (redriven.has(key)) continue;
      const place = cleared.indexOf(key);
      if (place < (last.get(target) ?? -1)) problems.push(`${key} was done out of order`);
      last.set(target, place);
    }
  }
}

/** Every operation that any agent ever asked for, whoever heard it. */
function operationsAsked(world: FakeWorld): ReadonlyMap<string, TrackerOperation> {
  const asked = new Map<string, TrackerOperation>();
  for (const { spec, said } of world.host.runs.values()) {
    for (const { mark, word } of said.all) {
      const id = `${spec.sessionId}/${spec.runId}/${mark.seq}`;
      if (word.type === "operation" && !isPersonal(word.operation)) asked.set(id, word.operation);
    }
  }
  return asked;
}

/** What was done at the board, in order on each target. */
function doneAt(board: FakeBoard): readonly { readonly key: string; readonly target: string }[] {
  const chats = board.messages.map(({ key, target }) => ({ key, target: `chat:${target}` }));
  const tasks = [...board.comments, ...board.changes]
    .toSorted((one, other) => placeOf(one.id) - placeOf(other.id))
    .map(({ key, target }) => ({ key, target: `task:${target}` }));
  return [...chats, ...tasks];
}

/** The board numbers what it makes. */
function placeOf(id: string): number {
  return Number(id.split("-").at(-1));
}

function isQuestion({ type }: TrackerOperation): boolean {
  return type === "chat.read" || type === "task.list" || type === "task.get";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
}
