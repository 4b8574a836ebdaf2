import type { Instant } from "../ids.ts";

/** From where, and how long, to follow a board. */
export interface SubscribeOptions {
  /** The cursor of the last event that was dealt with; null for as far back as the board knows. */
  readonly after: string | null;
  readonly signal: AbortSignal;
}

/** Who did something on the board, as the board tells it. */
export interface BoardAuthor {
  /** `agent`, `human`, or the board's own word; null where it does not say. */
  readonly type: string | null;
  /** An agent's name or slug, a person's name; null where the board does not say. */
  readonly name: string | null;
}

/** A task as it was right after the event. */
export interface TaskFacts {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly status: string;
  /** An agent's slug, or whatever the board calls a person; null for nobody. */
  readonly assignedTo: string | null;
  readonly labels: readonly string[];
}

/** A message as it was said. */
export interface MessageFacts {
  readonly id: string;
  readonly chat: string;
  readonly author: BoardAuthor;
  readonly content: string;
  /** Who is called upon, by slug or name without the "@", as the board understands its own text. */
  readonly mentions: readonly string[];
  /** The message that it answers, and who had said that one; null where it answers none. */
  readonly replyTo: { readonly id: string; readonly author: BoardAuthor } | null;
}

/** What an event says. */
export type TrackerHappening =
  /** A task that nobody had, or that is new, was given to somebody: `task.assignedTo`. */
  | { readonly type: "task.assigned"; readonly task: TaskFacts }
  /** A task was taken from `previous` and given to `task.assignedTo`, or to nobody. */
  | { readonly type: "task.reassigned"; readonly task: TaskFacts; readonly previous: string }
  /** A task was cancelled, whoever has it. */
  | { readonly type: "task.cancelled"; readonly task: TaskFacts }
  /** A task is new and nobody's. */
  | { readonly type: "task.created"; readonly task: TaskFacts }
  /** Anything else about a task changed. */
  | { readonly type: "task.updated"; readonly task: TaskFacts }
  | {
      readonly type: "task.commented";
      readonly task: string;
      readonly author: BoardAuthor;
      readonly content: string;
    }
  | { readonly type: "chat.message"; readonly message: MessageFacts }
  /** A kind of event that this release does not know: kept, since its cursor counts. */
  | { readonly type: "other"; readonly name: string };

/** Something that happened on the board. */
export type TrackerEvent = {
  /** The board's own id of it: the same event always has the same one. */
  readonly id: string;
  /** Its place on the board: opaque, of use only as `after`. */
  readonly cursor: string;
  /** When, by the board's clock; null where it does not say. */
  readonly at: Instant | null;
  /**
   * The key of the call that did it: an operation's id, `<session>/<run>/<number>`. Null where a
   * person did it, or the board does not say.
   */
  readonly cause: string | null;
} & TrackerHappening;
