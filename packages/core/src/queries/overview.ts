import type { AgentSlug, Instant, OperationId, RunId, SessionId } from "../ids.ts";
import type { AgentOperation } from "../ports/agent-operation.ts";
import type { TrackerOperation } from "../ports/tracker.ts";
import type { SessionRecord } from "../runtime/session-record.ts";
import { evolve } from "../session/evolve.ts";
import type { Operation, Parked, Session } from "../session/state.ts";
import { unopened } from "../session/unopened.ts";
import { askedOfPeople, statusOf, type SessionStatus } from "../session/status.ts";
import { AgentTallies, type AgentTotals } from "./agent-totals.ts";
import type { Projection } from "./projection.ts";

/** A session, as a list of sessions shows it. */
export interface SessionRow {
  readonly id: SessionId;
  readonly agent: { readonly slug: AgentSlug; readonly name: string };
  readonly tenant: string | null;
  readonly status: SessionStatus;
  /** Since when it has had this status. */
  readonly since: Instant;
  readonly openedAt: Instant;
  /** When its last event was recorded. */
  readonly changedAt: Instant;
  readonly priority: number;
  /** Messages that no turn has answered yet. */
  readonly messages: number;
  /** The live run; null for none. */
  readonly run: RunId | null;
  /** When the turn in hand began; null for none. */
  readonly turnSince: Instant | null;
  /** Why no run is started; null where nothing keeps one from it. */
  readonly parked: Parked | null;
  /** US dollars, over all its conversations. */
  readonly costUsd: number;
  /** The most that it may cost, in US dollars; null for no cap. */
  readonly capUsd: number | null;
}

/** An operation that is not done. */
export interface OutboxRow<Asked extends AgentOperation = TrackerOperation> {
  readonly session: SessionId;
  readonly operationId: OperationId;
  readonly operation: Asked;
  readonly requestedAt: Instant;
  /** How often it was tried. */
  readonly attempts: number;
  /** When it is tried, or asked after, again; null while a call is under way. */
  readonly dueAt: Instant | null;
  /** Whether a call may have been done although no answer said so. */
  readonly maybeDelivered: boolean;
}

/** What a person has to allow or to answer. */
export interface ApprovalRow extends OutboxRow<AgentOperation> {
  /** When it counts as denied. */
  readonly until: Instant;
}

/** The sessions of a log and what is outstanding in them, for a dashboard or a service. */
export class Overview {
  readonly #sessions = new Map<SessionId, Seen>();
  readonly #agents = new AgentTallies();

  /** Takes in an event. */
  take(event: SessionRecord): void {
    const seen = this.#sessions.get(event.stream);
    const before = seen?.session ?? unopened(event.stream);
    const session = evolve(before, event);
    const status = statusOf(session);
    this.#sessions.set(event.stream, {
      session,
      openedAt: seen?.openedAt ?? event.recordedAt,
      status,
      since: seen?.status === status ? seen.since : session.now,
    });
    this.#agents.take(event, before, session);
  }

  /** The sessions that have not ended, or all of them, the oldest first. */
  sessions(which: { readonly ended?: boolean } = {}): readonly SessionRow[] {
    const rows = [...this.#sessions.values()].map(rowOf);
    return which.ended === true ? rows : rows.filter(({ status }) => !isEnded(status));
  }

  /** One session; undefined for one that was never opened. */
  session(id: SessionId): SessionRow | undefined {
    const seen = this.#sessions.get(id);
    return seen === undefined ? undefined : rowOf(seen);
  }

  /** What each agent has done and cost, over all of its sessions, by slug. */
  agents(): ReadonlyMap<AgentSlug, AgentTotals> {
    return this.#agents.totals;
  }

  /** Operations on their way to the board: in each target's order. */
  outbox(): readonly OutboxRow[] {
    return this.#collect((session) => [...session.outbox.values()].flat().map(waitingIn(session)));
  }

  /** Operations that were given up: `redrive` tries them again. */
  deadLetters(): readonly OutboxRow[] {
    return this.#collect((session) => [...session.deadLetters.values()].map(waitingIn(session)));
  }

  /** What waits for a person: `grant`, `deny` and `answer` decide it. */
  approvals(): readonly ApprovalRow[] {
    return this.#collect((session) =>
      askedOfPeople(session).map(({ operation, until }) => ({
        ...waitingIn(session)(operation),
        until,
      })),
    );
  }

  #collect<Row>(rows: (session: Session) => readonly Row[]): readonly Row[] {
    return [...this.#sessions.values()].flatMap(({ session }) => rows(session));
  }
}

/** Makes an `Overview`: `openView({ log: store, projection: overview })`. */
export const overview: Projection<Overview> = {
  initial: () => new Overview(),
  apply(state, event) {
    state.take(event);
    return state;
  },
};

interface Seen {
  readonly session: Session;
  readonly openedAt: Instant;
  readonly status: SessionStatus;
  readonly since: Instant;
}

function rowOf({ session, openedAt, status, since }: Seen): SessionRow {
  const { id, agent, tenant, priority, messages, run, parked, totals, budget } = session;
  return {
    id,
    agent,
    tenant,
    status,
    since,
    openedAt,
    changedAt: session.now,
    priority,
    messages: messages.size,
    run: run?.trace.runId ?? null,
    turnSince: run?.turn?.startedAt ?? null,
    parked,
    costUsd: totals.costUsd,
    capUsd: budget.capUsd,
  };
}

function waitingIn({
  id: session,
}: Session): <Asked extends AgentOperation>(operation: Operation<Asked>) => OutboxRow<Asked> {
  return ({ id, operation, requestedAt, attempts, maybeDelivered, at }) => ({
    session,
    operationId: id,
    operation,
    requestedAt,
    attempts,
    dueAt: at.type === "attempted" ? null : at.dueAt,
    maybeDelivered,
  });
}

function isEnded(status: SessionStatus): boolean {
  return ["closed", "stopped", "erasing", "erased"].includes(status);
}
