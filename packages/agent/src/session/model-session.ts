import type { Activity } from "@waybill/core";
import type { HostMessage, TurnEnd } from "../host/agent-host.ts";

/** What a session tells while it works. */
export type SessionEvent =
  /** The message is part of this turn, and in the conversation, now. */
  | { readonly type: "accepted"; readonly turn: string; readonly message: string }
  | ({ readonly type: "turn_ended" } & TurnEnd)
  | { readonly type: "activity"; readonly activity: Activity };

/** What was found when a session was opened. */
export interface OpenedSession {
  readonly context: "fresh" | "resumed" | "lost";
  /** Those of the unsettled messages that the conversation has. */
  readonly holds: readonly string[];
  /** The model's program with its version, for the host's records. */
  readonly program: string;
  readonly session: ModelSession;
}

/**
 * A conversation with a model, as the agent program drives it. This is the seam between the wire and
 * the model: nothing on the host's side of it knows which SDK is behind it, and nothing behind it
 * knows files or frames.
 */
export interface ModelSession {
  /** Queues the message. A repeat of one that this run had before changes nothing. */
  take(message: HostMessage): void;
  /** Ends the turn early, if it is the one that is going on. */
  interrupt(turn: string): Promise<void>;
  /** No more messages will come: `events` ends once everything in hand is done. */
  finish(): void;
  /**
   * Ends what is going on, drops what has not begun, and lets the model's program go. The turn that
   * was going on still ends by an event. `events` ends soon after.
   */
  stop(): Promise<void>;
  /**
   * What happens, in order; to be taken once. Ends after `finish` or `stop`; throws a `WaybillError`
   * where the session dies on its own.
   */
  events(): AsyncIterable<SessionEvent>;
}
