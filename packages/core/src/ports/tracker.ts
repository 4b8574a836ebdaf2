import type { Json } from "../json.ts";
import type { AgentSlug, Instant, OperationId } from "../ids.ts";
import type { SubscribeOptions, TrackerEvent } from "./tracker-event.ts";

/** The states that a task on the board can have. */
export type TaskStatus = string;

/**
 * Something that an agent asks the host to do at the Tracker. Ids are the Tracker's own and match
 * `[A-Za-z0-9_-]{1,64}`. Who does it is never part of it: that comes from the session.
 */
export type TrackerOperation =
  | { readonly type: "chat.send"; readonly chat: string; readonly content: string }
  | {
      readonly type: "chat.read";
      readonly chat: string;
      readonly after?: string;
      readonly limit?: number;
    }
  | {
      readonly type: "task.list";
      readonly status?: TaskStatus;
      readonly assignedTo?: string;
      /** Only tasks that carry this label. */
      readonly label?: string;
    }
  | { readonly type: "task.get"; readonly task: string }
  | { readonly type: "task.take"; readonly task: string }
  | { readonly type: "task.comment"; readonly task: string; readonly content: string }
  | { readonly type: "task.status"; readonly task: string; readonly status: TaskStatus }
  | { readonly type: "task.complete"; readonly task: string }
  | {
      readonly type: "task.create";
      readonly title: string;
      readonly description?: string;
      readonly status?: TaskStatus;
      readonly assignedTo?: string;
      readonly labels?: readonly string[];
    }
  | {
      readonly type: "task.update";
      readonly task: string;
      readonly title?: string;
      readonly description?: string;
      /** A slug; null takes the task away from whoever has it. */
      readonly assignedTo?: string | null;
      /** Added and removed one by one, so that two who label at once do not undo each other. */
      readonly addLabels?: readonly string[];
      readonly removeLabels?: readonly string[];
    };

/** One call to the Tracker. */
export interface TrackerCall {
  /** The operation's id, sent as Idempotency-Key and as the client's id of what is created. */
  readonly key: OperationId;
  readonly operation: TrackerOperation;
  /** The agent of the session, as the board knows it. */
  readonly by: { readonly slug: AgentSlug; readonly name: string };
  readonly signal?: AbortSignal;
}

/** The Tracker's proof that an operation was done, or its answer to a question. */
export interface Receipt {
  /** The Tracker's id of what was created or changed; null for a question. */
  readonly id: string | null;
  readonly at: Instant | null;
  /** True where the Tracker said that it had done this before, under the same key. */
  readonly repeated: boolean;
  /** What a question asked for. */
  readonly data: Json;
}

/** What a Tracker can promise. */
export interface TrackerCapabilities {
  /** Whether a write that is repeated under its key is done once. */
  readonly idempotencyKeys: boolean;
  /**
   * How long it remembers a key, in milliseconds; null for as long as the board exists. Where that is
   * shorter than operations are tried (`policy.operationMs`), doubts are looked up, as without keys.
   */
  readonly keysKeptMs: number | null;
}

/**
 * The team board. `trackerContract` in `@waybill/core/testing` states each promise as a test. Every
 * failure is a `WaybillError` whose `class` is right: `unknown` where the call may have been done.
 */
export interface Tracker {
  readonly capabilities: TrackerCapabilities;

  /** Resolves if the Tracker answers and knows the token; throws with a code and the fix otherwise. */
  check(signal?: AbortSignal): Promise<void>;

  /** Does it, once per key where the Tracker honours keys, and resolves with the receipt. */
  perform(call: TrackerCall): Promise<Receipt>;

  /** Whether it was done under this key: the receipt, or null. For calls whose answer was lost. */
  lookup(call: TrackerCall): Promise<Receipt | null>;

  /**
   * What happens on the board, from a cursor on, without end: each event once and in the board's
   * order, across connections that break and boards that restart. Ends when the signal aborts or the
   * Tracker is closed; throws only what waiting cannot mend (`TRACKER_UNAUTHORIZED`,
   * `TRACKER_CURSOR_UNKNOWN`). A Tracker that can only be asked leaves it out: `tellingByReading`
   * then makes events of `task.list` and `chat.read`.
   */
  subscribe?(options: SubscribeOptions): AsyncIterable<TrackerEvent>;

  close(): Promise<void>;
}

/** A Tracker that tells what happens on it. */
export interface TellingTracker extends Tracker {
  subscribe(options: SubscribeOptions): AsyncIterable<TrackerEvent>;
}
