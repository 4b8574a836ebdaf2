import type { Instant, RunId, SessionId } from "../ids.ts";
import type { PlannedFolder, PlannedValue, RunPlan } from "./run-plan.ts";

/** What a gateway adds to a run's plan. */
export interface Attachment {
  readonly folders: readonly PlannedFolder[];
  readonly env: Readonly<Record<string, PlannedValue>>;
}

/** What a session may cost, and has cost already as far as its log tells. */
export interface SpendingTerms {
  /** US dollars over the session's life; null for no cap. */
  readonly capUsd: number | null;
  readonly spentUsd: number;
  /** Tokens of all kinds, as gateways counted them. */
  readonly spentTokens: number;
}

/**
 * A place in a gateway's books of one session. Numbers count from 1 within a ledger, without gaps;
 * a gateway that lost its books, or one on another machine, keeps another ledger.
 */
export interface MeterMark {
  readonly ledger: string;
  readonly seq: number;
}

/** The last number of each ledger that is recorded. */
export type MeterMarks = Readonly<Record<string, number>>;

/** What a gateway saw, in contrast to what an agent claims. */
export type MeterReading =
  /** One request to the model that cost tokens. */
  | {
      readonly type: "usage";
      readonly mark: MeterMark;
      readonly runId: RunId;
      readonly at: Instant;
      /** As the request named it; null where nobody can tell. */
      readonly model: string | null;
      readonly inputTokens: number;
      readonly outputTokens: number;
      readonly cacheReadTokens: number;
      readonly cacheWriteTokens: number;
      /** US dollars, by the prices that the host gave; null without them. */
      readonly costUsd: number | null;
      /** The model's answer broke off before it said what it cost: part of this is a guess. */
      readonly estimated: boolean;
    }
  /** Requests that were refused for one reason: the first of a minute at once, the rest as a number. */
  | {
      readonly type: "refused";
      readonly mark: MeterMark;
      readonly runId: RunId;
      readonly at: Instant;
      /** In kebab-case: `model-not-allowed`, `budget-spent`, `path-not-allowed`. */
      readonly reason: string;
      readonly model: string | null;
      readonly count: number;
    };

/** Whose books they are: a session, in the log with this id. */
export interface MeteredSession {
  readonly owner: string;
  readonly sessionId: SessionId;
}

/** How to read a gateway's books. */
export interface MeterOptions {
  /** What is recorded already: it is not handed over again, and the gateway may forget it. */
  readonly after: MeterMarks;
  /** False: end once nothing is left. True: wait for more until the signal aborts. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/**
 * Gives a run its way to the model without giving it a key. It outlives the orchestrator, so that a
 * request in flight survives the orchestrator's death.
 */
export interface Gateway {
  /** Resolves if runs could be attached now; throws with a code and the fix otherwise. */
  check(signal?: AbortSignal): Promise<void>;

  /**
   * Opens the run's way and resolves once it answers, under these terms, else as before. Safe to repeat, also while
   * the run lives: the newest terms hold from the next request on.
   */
  attach(plan: RunPlan, terms?: SpendingTerms): Promise<Attachment>;

  /**
   * Hands over, in order and in batches, what was seen of the session's runs. Asking for the next
   * batch says that the one before is recorded. Nothing is lost or changes its number over a restart
   * of either side. Ends at once where nothing is known of the session and `follow` is false.
   */
  readings(session: MeteredSession, options: MeterOptions): AsyncIterable<readonly MeterReading[]>;

  /** Closes the run's way. Safe to repeat. */
  detach(run: { readonly sessionId: string; readonly runId: string }): Promise<void>;

  /**
   * Removes what is kept of the session: its ways close, and its books are gone, read or not. Resolves
   * once nothing is left. Safe to repeat, and for a session of which nothing is known.
   */
  erase(session: MeteredSession): Promise<void>;

  /**
   * Lets go of the books of sessions that have ended, where the log has all that stands in them. Books
   * with a reading that nobody has recorded stay, those of a session with a way, and those that alone
   * know a figure on which a cap rests. One that is opened again has other books, which begin with
   * what `attach` says that it has cost.
   */
  tidy(owner: string, hasEnded: (session: SessionId) => boolean): Promise<void>;

  /** Lets go of connections, never of the ways of live runs. */
  close(): Promise<void>;
}
