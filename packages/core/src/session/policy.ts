import type { TrackerOperation } from "../ports/tracker.ts";

/**
 * The rules that a session lives by, recorded whole when it is opened. All times in milliseconds.
 */
export interface Policy {
  /** From the run's start to the agent's hello. Default 60 s. */
  readonly startMs: number;
  /** A turn without any sign of life. Default 300 s. */
  readonly stallMs: number;
  /** The longest turn; then it is interrupted. Null for none. Default 1 h. */
  readonly turnMs: number | null;
  /** A run with nothing to do. Default 300 s. */
  readonly idleMs: number;
  /** From an interrupt to the turn's end; then the run is stopped. Default 30 s. */
  readonly interruptMs: number;
  /** From a request to finish to the exit; then the run is killed. Default 30 s. */
  readonly drainMs: number;
  /** From TERM to KILL. Default 10 s. */
  readonly graceMs: number;
  /** For closing as a whole; then unanswered messages are discarded. Default 24 h. */
  readonly closeMs: number;
  /** The first wait before a repeat; doubles with each. Default 0.5 s. */
  readonly retryMs: number;
  /** The longest wait before a repeat. Default 60 s. */
  readonly retryCapMs: number;
  /** How often a run's start is tried before it counts as failed. Default 5. */
  readonly startAttempts: number;
  /** How many runs in a row may end badly before the session is parked. Default 5. */
  readonly failures: number;
  /** How often in a row the session may be parked for a rate limit before a person must look. Default 10. */
  readonly rateLimits: number;
  /** The longest wait for one rate limit's end. Default 8 days, since some limits last a week. */
  readonly rateLimitMs: number;
  /** How long an operation is tried. Default 24 h. */
  readonly operationMs: number;
  /**
   * How long a call that got no answer may still arrive at a Tracker without keys: only after that
   * does a look-up which finds nothing prove that it was not done. Default 30 s.
   */
  readonly doubtMs: number;
  /** How many messages may wait. Default 1000. */
  readonly queue: number;
  /** How many operations may be outstanding. Default 1000. */
  readonly operations: number;
  /** US dollars that the session may cost before it pauses. Null for no cap. Default null. */
  readonly budgetUsd: number | null;
  /** The kinds of operations that somebody has to allow first, `chat.send` for example. Default none. */
  readonly approve: readonly TrackerOperation["type"][];
  /** How long somebody may take to allow one; then it is denied. Default 24 h. */
  readonly approvalMs: number;
}

/** The policy of a session that was opened without one. */
export const defaultPolicy: Policy = {
  startMs: 60_000,
  stallMs: 300_000,
  turnMs: 3_600_000,
  idleMs: 300_000,
  interruptMs: 30_000,
  drainMs: 30_000,
  graceMs: 10_000,
  closeMs: 86_400_000,
  retryMs: 500,
  retryCapMs: 60_000,
  startAttempts: 5,
  failures: 5,
  rateLimits: 10,
  rateLimitMs: 691_200_000,
  operationMs: 86_400_000,
  doubtMs: 30_000,
  queue: 1000,
  operations: 1000,
  budgetUsd: null,
  approve: [],
  approvalMs: 86_400_000,
};
