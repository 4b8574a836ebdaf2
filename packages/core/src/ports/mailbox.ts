import type { Json } from "../json.ts";
import type { AgentSlug, Instant, MessageId, SessionId } from "../ids.ts";
import type { Incoming, Mark } from "./agent-word.ts";
import type { RunHandle, RunPlan, RunSpec } from "./run-plan.ts";

/** Something that the host gives to a run. Each has a name of its own, so that it is put once. */
export type Letter =
  | {
      readonly type: "message";
      readonly id: MessageId;
      /** 1 for the first hand-over of this message, one more for each repeat: part of its name. */
      readonly delivery: number;
      /** Its place in the session's queue: the agent takes messages in this order. */
      readonly position: number;
      readonly text: string;
      readonly from: string | null;
    }
  | {
      readonly type: "answer";
      /** The sequence number of the operation's word. */
      readonly re: number;
      readonly status: "delivered" | "rejected" | "abandoned";
      readonly data?: Json;
      readonly error?: { readonly code: string; readonly message: string };
    }
  | { readonly type: "interrupt"; readonly turn: string }
  /** Finish what is in hand, say bye and exit; after `deadlineMs` the run is stopped. */
  | { readonly type: "close"; readonly reason: string; readonly deadlineMs: number };

/** How to receive. */
export interface ReceiveOptions {
  /** What is recorded already: it is not handed over again, and the mailbox forgets it. */
  readonly after: Mark;
  /** False: end once nothing is left (the run is over). True: wait for more until the signal aborts. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** The leases of runs, as a mailbox keeps them where the run's own end reads them. */
export interface RunLeases {
  /** This instant, by the clock that leases are judged by: the machine's wall clock. */
  now(): Instant;
  /**
   * Lets the run live until this instant. An earlier one than what stands there changes nothing, so
   * that who was frozen cannot shorten what a later owner granted. Safe to repeat.
   */
  extend(run: RunHandle, until: Instant): Promise<void>;
}

/**
 * Carries words and letters across the wall of a run. Everything that it reads is hostile.
 * `mailboxContract` in `@waybill/core/testing` states each promise as a test.
 */
export interface Mailbox {
  /** Resolves if runs could be prepared here now; throws with a code and the fix otherwise. */
  check(signal?: AbortSignal): Promise<void>;

  /**
   * Makes everything that the run needs (folders, modes, owners, its standard input) and resolves
   * with the plan. Safe to repeat, also while the run lives: what is there is kept.
   */
  prepare(run: RunSpec): Promise<RunPlan>;

  /** Resolves once the letter lies where the agent will find it. A repeat changes nothing. */
  put(plan: RunPlan, letter: Letter): Promise<void>;

  /**
   * Hands over, in order and in batches, what the run has said after the mark. Asking for the next
   * batch says that the one before is recorded: only then does the mailbox remove it.
   */
  receive(plan: RunPlan, options: ReceiveOptions): AsyncIterable<readonly Incoming[]>;

  /**
   * Where the run's own records are. Makes nothing, and knows also a run that was removed: what a
   * crash left half removed is removed again by this handle.
   */
  locate(run: RunSpec): RunHandle;

  /**
   * Removes what the run leaves behind in the mailbox; keeps workspace, state, launch and control
   * folder. Safe to repeat. A run that was removed cannot be prepared again.
   */
  remove(run: RunHandle): Promise<void>;

  /**
   * Removes everything of a session that has no run any more: workspace, the agent's state with its
   * transcripts, dead letters, what its runs left. Safe to repeat. From then on no run of the session
   * can be prepared, so that who was frozen before that brings nothing back.
   */
  erase(session: SessionId): Promise<void>;

  /**
   * The name of the folders in which the runs and sessions of this agent lie: two mailboxes that
   * give the same one see the same files. Default: nobody says, and every mailbox counts as reaching
   * them.
   */
  site?(agent: AgentSlug): Promise<string>;

  /** Default: runs of this mailbox can have no lease. */
  readonly leases?: RunLeases;

  /** Lets go of watchers, never of messages. */
  close(): Promise<void>;
}
