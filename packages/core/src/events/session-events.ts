import type { Failure, FailureClass } from "../errors.ts";
import type { AgentSlug, Instant, SessionId } from "../ids.ts";
import type { Policy } from "../session/policy.ts";
import type { Totals } from "../session/totals.ts";
import type { Site } from "../ports/site.ts";
import type { Event } from "./event.ts";

/** Which chats and tasks of the board a session may touch; `"any"` for all of them. */
export interface Scope {
  readonly chats: readonly string[] | "any";
  readonly tasks: readonly string[] | "any";
}

/** The first event of a stream. The whole policy is in it, so that a replay never changes. */
export type SessionOpened = Event<
  "SessionOpened",
  {
    readonly agent: { readonly slug: AgentSlug; readonly name: string };
    /** The conversation's id, a UUID chosen by the host. */
    readonly conversation: string;
    readonly scope: Scope;
    readonly policy: Policy;
    /** Among sessions that wait for a run, the higher goes first. */
    readonly priority: number;
    /** Whose board it works on, where one orchestrator serves several; else null. */
    readonly tenant: string | null;
    /** The turn of another session after which it goes on; null for a session of its own. */
    readonly forkedFrom: Fork | null;
  }
>;

/** Where a fork began. */
export interface Fork {
  readonly sessionId: SessionId;
  readonly conversation: string;
  /** The agent's own name for the place in its transcript. */
  readonly transcriptId: string;
  /** Where the transcript lies. Absent: nobody says. */
  readonly folders?: string;
}

/** A session that had ended goes on, with the same conversation. */
export type SessionReopened = Event<"SessionReopened", Record<never, never>>;

/** An orchestrator took the session over. A higher epoch is the only thing that makes one let go. */
export type SessionOwned = Event<
  "SessionOwned",
  {
    readonly owner: string;
    readonly epoch: number;
    /** Whether this owner's Tracker does a repeated write once. */
    readonly trackerKeys: boolean;
    /** This owner has a function that says what a session may touch. Absent: the scope says it. */
    readonly authorises?: true;
    /** What this owner reaches. Absent: nobody says, so it counts as reaching everything. */
    readonly site?: Site;
    /** How long the runs that it asks for live without an owner. Absent: for ever. */
    readonly runLeaseMs?: number;
  }
>;

/**
 * A person says that what the session has at its site is gone for good, or was brought elsewhere:
 * any orchestrator may take it over and begins with the folders that it finds.
 */
export type SiteAbandoned = Event<
  "SiteAbandoned",
  { readonly by: string; readonly folders: string | null }
>;

/** Why a session starts no run for now. */
export type ParkReason =
  /** A run could not start for a reason that a person must mend. */
  | "start_failed"
  /** Too many runs in a row ended badly. */
  | "crash_loop"
  /** The model, or the engine, takes no more for now. */
  | "rate_limited";

/** No run is started until something changes; messages wait. */
export type SessionParked = Event<
  "SessionParked",
  {
    readonly reason: ParkReason;
    readonly failure: Failure;
    /** When it goes on by itself; null where a person has to mend something first. */
    readonly until: Instant | null;
  }
>;

/**
 * Runs are started again: somebody asked for it, its time came, or the session was opened once more.
 * Only who asks begins to count bad ends anew.
 */
export type SessionUnparked = Event<
  "SessionUnparked",
  { readonly reason: "asked" | "due" | "opened" }
>;

/** A run ended badly; the next one starts no earlier than `dueAt`. */
export type RestartScheduled = Event<
  "RestartScheduled",
  {
    readonly dueAt: Instant;
    /** How many in a row ended badly, this one with them. */
    readonly failures: number;
    /** The failure's code. */
    readonly reason: string;
    readonly class: FailureClass;
  }
>;

/** The conversation has cost its budget: no message is handed over until it is raised. */
export type BudgetExceeded = Event<
  "BudgetExceeded",
  { readonly spentUsd: number; readonly capUsd: number }
>;

/** Messages are handed over again, up to the new cap; null for none. */
export type BudgetRaised = Event<"BudgetRaised", { readonly capUsd: number | null }>;

/** All sessions of the agent together have cost what they may: no message is handed over for now. */
export type AgentBudgetExceeded = Event<
  "AgentBudgetExceeded",
  { readonly spentUsd: number; readonly capUsd: number }
>;

/** The agent may cost more again, up to the new cap; null for none. Messages are handed over. */
export type AgentBudgetRaised = Event<"AgentBudgetRaised", { readonly capUsd: number | null }>;

/** The session ends once the messages up to `through` are answered, or at `until`. */
export type CloseRequested = Event<
  "CloseRequested",
  {
    /** The position of the last message that is still answered; 0 to answer none. */
    readonly through: number;
    readonly outcome: "closed" | "stopped";
    readonly until: Instant;
  }
>;

/** The time for closing is over: what is not answered by now is discarded. */
export type CloseExpired = Event<"CloseExpired", Record<never, never>>;

/** Nothing is outstanding any more. */
export type SessionClosed = Event<"SessionClosed", { readonly outcome: "closed" | "stopped" }>;

/** A session that had ended is to be erased. Nothing brings it back. */
export type ErasureRequested = Event<"ErasureRequested", { readonly by: string }>;

/**
 * The tombstone: what the session's other events said is gone from the store, and everything that
 * was left of it outside. What stays names no person and quotes nobody.
 */
export type SessionErased = Event<
  "SessionErased",
  {
    readonly agent: { readonly slug: AgentSlug; readonly name: string };
    readonly by: string;
    readonly totals: Omit<Totals, "conversationUsd">;
  }
>;

/** An effect other than an operation failed and is tried again at `dueAt`. */
export type EffectDeferred = Event<
  "EffectDeferred",
  {
    /** The effect's key. */
    readonly key: string;
    readonly attempt: number;
    readonly dueAt: Instant;
    readonly failure: Failure;
  }
>;

/** Events about the session as a whole. */
export type LifeEvent =
  | SessionOpened
  | SessionReopened
  | SessionOwned
  | SiteAbandoned
  | SessionParked
  | SessionUnparked
  | RestartScheduled
  | BudgetExceeded
  | BudgetRaised
  | AgentBudgetExceeded
  | AgentBudgetRaised
  | CloseRequested
  | CloseExpired
  | SessionClosed
  | ErasureRequested
  | SessionErased
  | EffectDeferred;
