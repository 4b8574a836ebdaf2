import type { SessionEventType } from "../events/catalogue.ts";
import type { Scope } from "../events/session-events.ts";
import type { AgentSlug, SessionId } from "../ids.ts";
import type { Activity } from "../ports/agent-word.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { Ids } from "../ports/ids.ts";
import type { Logger } from "../ports/logger.ts";
import type { Mailbox } from "../ports/mailbox.ts";
import type { Tracker } from "../ports/tracker.ts";
import type { Policy } from "../session/policy.ts";
import type { SessionStatus } from "../session/status.ts";
import type { Limits, Place } from "./admission.ts";
import type { AgentSpec } from "./agent-spec.ts";
import type { Redaction } from "./redactor.ts";
import type { AuthorisationPolicy } from "./authorisation.ts";
import type { ApprovalPolicy } from "./approver.ts";
import type { AgentBudget } from "./agent-accounts.ts";
import type { TrackerOf } from "./trackers.ts";
import type { SessionHandle } from "./session-handle.ts";
import type { SessionRecord } from "./session-record.ts";

/** What an orchestrator is made of. */
export interface OrchestratorOptions {
  /** The log. */
  readonly store: EventStore;
  /** Carries words and letters across the wall. */
  readonly mailbox: Mailbox;
  /**
   * The team board, or a function from a session's tenant to the client with that tenant's address
   * and credentials: asked once for each tenant, closed with the orchestrator. Default: none;
   * operations then wait until one is configured.
   */
  readonly tracker?: Tracker | TrackerOf;
  /** The agents by slug: `[a-z0-9-]`, the first a letter, at most 40. */
  readonly agents: Readonly<Record<AgentSlug, AgentSpec>>;
  /** Default: silent. */
  readonly logger?: Logger;
  /** What must never be recorded, published or logged. Default: nothing in particular. */
  readonly redact?: Redaction;
  /** How many runs may live at once. Default: no limit. */
  readonly limits?: Limits;
  /**
   * Asked before each run that has a place: it starts once this resolves, so a full machine can
   * make it wait. One that throws is asked again later. Default: no question.
   */
  readonly admit?: (place: Place, signal: AbortSignal) => Promise<void>;
  /**
   * Says what a session may do at the Tracker, by session and target, in the place of its scope; asked
   * about each operation, those outside of the scope too. What it forbids is refused with
   * `OPERATION_FORBIDDEN`. Where it says nothing for `approvalMs`, it counts as denied. Default: the
   * session may touch the chats and tasks that it was opened for.
   */
  readonly authorise?: AuthorisationPolicy;
  /**
   * Decides about operations that the session's policy (`approve`) holds until somebody allows them,
   * and about the use of tools that an agent asks leave for. Default: people decide, by `grant()` and
   * `deny()`; in any case it counts as denied after `approvalMs`.
   */
  readonly approve?: ApprovalPolicy;
  /** How the sessions of a store are shared with other orchestrators. Default: no limit, every 10 s. */
  readonly sharing?: Sharing;
  /** How often runs that belong to no session are looked for, in milliseconds. Default 5 min. */
  readonly sweepMs?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: random. */
  readonly ids?: Ids;
}

/** How an orchestrator shares the sessions of its store with others. */
export interface Sharing {
  /** How many open sessions it owns at most; the others wait for another. Default: no limit. */
  readonly capacity?: number;
  /**
   * How often it renews its leases and looks for sessions that nobody owns, in milliseconds: at most
   * a third of the store's lease. Default 10,000.
   */
  readonly renewMs?: number;
  /**
   * How long a run lives on where no orchestrator of its host holds its session, in milliseconds, at
   * least four times `renewMs`: then it ends itself, and an orchestrator of another host that reaches
   * its folders goes on with the session. It is also how long a run outlives an orchestrator that
   * does not come back. Default: for ever, and a run on a host that is out of reach is left alone.
   */
  readonly runLeaseMs?: number;
}

/** Which session to open. */
export interface OpenOptions {
  /** The same id is the same session: 1 to 64 of `[A-Za-z0-9._-]`. */
  readonly id: SessionId;
  readonly agent: AgentSlug;
  /** What it may touch at the board. Default: nothing. */
  readonly scope?: Partial<Scope>;
  /** Where it differs from the agent's policy. */
  readonly policy?: Partial<Policy>;
  /** Among sessions that wait for a run, the higher goes first; waiting raises it. Default 0. */
  readonly priority?: number;
  /** Whose board it works on, where `tracker` is a function. Default: none. */
  readonly tenant?: string;
}

/** Which events of the whole log to read. */
export interface AllEventsOptions {
  /** Start after this position. Default: at the beginning. */
  readonly after?: string;
  /** Only events of these names. Default: all. */
  readonly types?: readonly SessionEventType[];
  readonly signal?: AbortSignal;
}

/** A session in a list. */
export interface SessionSummary {
  readonly id: SessionId;
  readonly agent: AgentSlug;
  readonly status: SessionStatus;
}

/** An agent in a user's hands. */
export interface AgentHandle {
  readonly slug: AgentSlug;
  /** What all its sessions together may cost and have cost. */
  budget(): Promise<AgentBudget>;
  /**
   * Lets them cost more, in US dollars; null for no cap. Those that paused go on, whichever
   * orchestrator owns them. Throws `BUDGET_TOO_LOW` where that much is spent already.
   */
  raiseBudget(capUsd: number | null): Promise<void>;
}

/** Runs sessions. Leaving its scope detaches: runs live on and the next orchestrator adopts them. */
export interface Orchestrator extends AsyncDisposable {
  /** Opens a session, or opens it again; one that is open stays as it is. */
  open(options: OpenOptions): Promise<SessionHandle>;
  /** The handle of a session that was opened some time. */
  session(id: SessionId): SessionHandle;
  /** What concerns all sessions of an agent. Throws `AGENT_UNKNOWN` for one that is none of `agents`. */
  agent(slug: AgentSlug): AgentHandle;
  /** Every session that was ever opened, the oldest first. */
  list(): Promise<readonly SessionSummary[]>;
  /** Calls the listener with every event of this name from now on. */
  on<Type extends SessionEventType>(
    type: Type,
    listener: (event: SessionRecord<Type>) => void,
  ): () => void;
  /** Calls the listener with every event from now on. */
  onAny(listener: (event: SessionRecord) => void): () => void;
  /**
   * Every event of every session, in the order of the log, then live. A reader that remembers the
   * `position` of the last event goes on after it, also in another process.
   */
  events(options?: AllEventsOptions): AsyncIterable<SessionRecord>;
  /** Calls the listener with what agents are doing: loss-tolerant, never recorded. */
  onActivity(listener: (session: SessionId, activity: Activity) => void): () => void;
  /** Stops the runs too, each after what it has in hand, then detaches. Sessions stay open. */
  shutdown(): Promise<void>;
}
