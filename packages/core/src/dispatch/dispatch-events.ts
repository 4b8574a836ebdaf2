import type { Failure } from "../errors.ts";
import type { Event } from "../events/event.ts";
import type { Scope } from "../events/session-events.ts";
import type { AgentSlug, Instant, SessionId } from "../ids.ts";

/** The stream in which everything that dispatch decides is recorded. */
export const dispatchStream = "$dispatch";

/** The stream for a tenant's board: each board has a dispatcher of its own. */
export function dispatchStreamOf(tenant: string | null): string {
  return tenant === null ? dispatchStream : `${dispatchStream}:${tenant}`;
}

/** Something to do at a session. */
export type DispatchCommand =
  /** Open the session, or open it again, and send it a prompt. */
  | {
      readonly type: "prompt";
      readonly agent: AgentSlug;
      readonly session: SessionId;
      readonly scope: Scope;
      readonly text: string;
      /** Who says it, for the agent to read. */
      readonly from: string | null;
      /** Not before: later than the event where the agent had its share of prompts. */
      readonly at: Instant;
      /** How often agents woke each other on the way here: 0 where a person asks. */
      readonly depth: number;
    }
  /** End the session: at once, or after it has answered what it was sent. */
  | { readonly type: "end"; readonly session: SessionId; readonly how: "stop" | "close" };

/** Why an event led to what it led to; for people. */
export type DispatchReason =
  | "assigned"
  | "called"
  | "taken_away"
  | "cancelled"
  /** Nobody of ours is meant. */
  | "not_ours"
  /** The agent did it itself. */
  | "own_doing"
  /** The rules say that the task is not to be worked on. */
  | "not_dispatchable"
  /** The rule that was to say so threw. */
  | "rule_failed"
  /** The agent had its share of prompts, and the next one is too far away. */
  | "rate_limited"
  /** Agents have woken each other often enough. */
  | "loop"
  /** It happened before dispatch began. */
  | "too_old";

/** Which session works on a task. */
export interface TaskBinding {
  readonly task: string;
  /** Null where nobody does any more. */
  readonly session: SessionId | null;
  readonly agent: AgentSlug;
}

/** Dispatch looks at the board for the first time; what happened there before is left alone. */
export type DispatchBegan = Event<"DispatchBegan", { readonly ignoreBefore: Instant }>;

/** An event of the board, and what is done about it. Recorded before anything is done. */
export type TrackerEventSeen = Event<
  "TrackerEventSeen",
  {
    /** The board's id of it. */
    readonly event: string;
    readonly cursor: string;
    /** What kind of event. */
    readonly kind: string;
    /** The task or the chat, where it has one. */
    readonly target: string | null;
    readonly commands: readonly DispatchCommand[];
    readonly reasons: readonly {
      readonly agent: AgentSlug | null;
      readonly reason: DispatchReason;
      readonly detail: string;
    }[];
    readonly bind: TaskBinding | null;
    /** How often agents woke each other so far; null where that stays as it was. */
    readonly turns: { readonly where: string; readonly count: number } | null;
  }
>;

/** A command was carried out. */
export type Dispatched = Event<"Dispatched", { readonly event: string; readonly index: number }>;

/** A command was given up: the session refused it for good, or for too long. */
export type DispatchFailed = Event<
  "DispatchFailed",
  { readonly event: string; readonly index: number; readonly failure: Failure }
>;

/** Everything in the stream of dispatch. */
export type DispatchEvent = DispatchBegan | TrackerEventSeen | Dispatched | DispatchFailed;

/** The present schema of each event. */
export const dispatchSchemas: Readonly<Record<DispatchEvent["type"], number>> = {
  DispatchBegan: 1,
  TrackerEventSeen: 1,
  Dispatched: 1,
  DispatchFailed: 1,
};
