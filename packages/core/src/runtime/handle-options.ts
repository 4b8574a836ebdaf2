import type { MessageId, SessionId } from "../ids.ts";

/** How to send a message. */
export interface SendOptions {
  /** The same key is the same message, for the life of the store. Default: always a new message. */
  readonly idempotencyKey?: string;
  /** Who says it, for the agent to read. Default: nobody in particular. */
  readonly from?: string;
}

/** How to end a session. */
export interface CloseOptions {
  /**
   * The same key is the same wish, for the life of the store: its repeat does not end a session that
   * was opened again since. Default: always a new wish.
   */
  readonly idempotencyKey?: string;
  /** Ends the wait, not the wish. */
  readonly signal?: AbortSignal;
}

/** How to erase a session. */
export interface EraseOptions {
  /** Who wants it, for the record: it stays. Default: `"api"`. */
  readonly by?: string;
  /** Ends the wait, not the wish. */
  readonly signal?: AbortSignal;
}

/** A message's fate so far. */
export interface Sent {
  readonly messageId: MessageId;
  /** True where this key was sent before. */
  readonly repeated: boolean;
}

/** Which events to read. */
export interface EventsOptions {
  /** Start after this version. Default: from the first event. */
  readonly after?: number;
  /** Stop once the session is idle, or has ended. Default: never. */
  readonly until?: "idle" | "ended";
  readonly signal?: AbortSignal;
}

/** Which session to make of a turn. */
export interface ForkOptions {
  /** The new session's id. */
  readonly id: SessionId;
  /** The `turnId` of a `TurnEnded` of this session. Default: the newest. */
  readonly turn?: string;
  readonly priority?: number;
}
