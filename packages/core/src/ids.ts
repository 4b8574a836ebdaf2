/** Milliseconds since the Unix epoch, by the clock of whoever recorded it. */
export type Instant = number;

/** A session's id, chosen by the user: 1 to 64 of `[A-Za-z0-9._-]`, the first a letter or a digit. */
export type SessionId = string;

/**
 * A run's id: `[a-z0-9-]`, at most 40 characters, at least 64 of its bits random, so that a store
 * restored from an old backup never reuses an Idempotency-Key or a container name.
 */
export type RunId = string;

/** A message's id: 1 to 64 of `[A-Za-z0-9_-]`. */
export type MessageId = string;

/** An operation's id, which is also its Idempotency-Key: `<session>/<run>/<sequence number>`. */
export type OperationId = string;

/** An agent's short name: 1 to 40 of `[a-z0-9-]`, the first a letter. */
export type AgentSlug = string;
