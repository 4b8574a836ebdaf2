import type { CheckpointResult, ExpectedVersion, Lease } from "@waybill/core";
import type { Checkpoint } from "./checkpoints.ts";
import type { EventCells } from "./event-cells.ts";
import type { GroupCells } from "./group-cells.ts";

/** What the thread needs to begin. */
export interface ThreadStart {
  /** Absolute, with every link resolved, so that two names of one file are one store. */
  readonly path: string;
  /** An owner writes and holds the lock; a reader does neither. */
  readonly role: "owner" | "reader";
  readonly durability: Durability;
  readonly check: IntegrityCheck;
  readonly lockWaitMs: number;
}

/** When an append counts as done: once it is on the disk, or once the operating system has it. */
export type Durability = "full" | "normal";

/** How much is looked at when a store is opened. */
export type IntegrityCheck = "full" | "quick" | "none";

/** What the thread found when it opened the database. */
export interface Opened {
  readonly id: string;
  /** The position of the last event; 0 for none. */
  readonly last: number;
  /** As SQLite says them back, not as they were asked for. */
  readonly journalMode: string;
  readonly synchronous: string;
  readonly checkMs: number;
}

/** An event on its way to the thread, its data as JSON text. */
export interface EventRow {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly schema: number;
  readonly recordedAt: number;
  readonly causation: string | null;
  readonly mustUnderstand: boolean;
}

/** One append. */
export interface AppendRequest {
  readonly stream: string;
  readonly expected: ExpectedVersion;
  readonly epoch: number | null;
  readonly events: readonly EventRow[];
}

/** How one append of a group ended. */
export type AppendAnswer =
  /** The places of its first event; the others follow without gaps. */
  | { readonly type: "stored"; readonly version: number; readonly position: number }
  /** The events as they were stored before. */
  | { readonly type: "repeated"; readonly cells: EventCells }
  | { readonly type: "conflict"; readonly actual: number }
  | { readonly type: "fenced"; readonly epoch: number }
  /** The id belongs to another event. */
  | { readonly type: "reused"; readonly id: string };

/** Some events, and how far the log was looked through for them. */
export interface PageAnswer {
  readonly cells: EventCells;
  /** The position, or for a stream the version, up to which everything that matches is on this page. */
  readonly through: number;
}

/** Every call that the thread answers. */
export interface Calls {
  append: {
    ask: GroupCells;
    answer: { readonly results: readonly AppendAnswer[]; readonly last: number };
  };
  readStream: {
    ask: { readonly stream: string; readonly from: number; readonly to: number };
    answer: PageAnswer;
  };
  readAll: {
    ask: {
      readonly after: number;
      readonly through: number;
      readonly types: readonly string[] | null;
      /** Whether erased events are given too, with an empty type. */
      readonly erased: boolean;
    };
    answer: PageAnswer;
  };
  erase: {
    ask: AppendRequest;
    answer: { readonly result: AppendAnswer; readonly last: number };
  };
  restore: {
    ask: {
      readonly stream: string;
      readonly events: readonly (EventRow & { readonly version: number })[];
    };
    answer: number | null;
  };
  last: { ask: null; answer: number };
  claim: {
    ask: { readonly names: readonly string[]; readonly owner: string };
    answer: readonly number[];
  };
  renew: { ask: readonly Lease[]; answer: readonly boolean[] };
  release: { ask: readonly Lease[]; answer: null };
  checkpoint: { ask: { readonly name: string }; answer: string | null };
  setCheckpoint: {
    ask: { readonly name: string; readonly value: string | null; readonly expected: string | null };
    answer: CheckpointResult;
  };
  checkpoints: { ask: { readonly after: string }; answer: readonly Checkpoint[] };
  epochs: { ask: { readonly after: string }; answer: readonly Epoch[] };
  adopt: {
    ask: {
      readonly id: string;
      readonly epochs: readonly Epoch[];
      readonly checkpoints: readonly Checkpoint[];
    };
    answer: null;
  };
  copy: { ask: { readonly path: string }; answer: null };
  close: { ask: null; answer: null };
}

/** What answers the calls. */
export type Handlers = {
  readonly [K in keyof Calls]: (ask: Calls[K]["ask"]) => Calls[K]["answer"];
};

/** The highest epoch that was claimed for a name. */
export interface Epoch {
  readonly name: string;
  readonly epoch: number;
}

/** A call on its way to the thread. */
export type Request = {
  [K in keyof Calls]: { readonly re: number; readonly call: K; readonly ask: Calls[K]["ask"] };
}[keyof Calls];

/** What comes back. The first word, with `re` 0, says how the opening went. */
export type Reply =
  | { readonly re: number; readonly ok: true; readonly answer: unknown }
  | { readonly re: number; readonly ok: false; readonly failure: ThreadFailure };

/** An error on its way out of the thread, where `WaybillError` cannot be loaded. */
export interface ThreadFailure {
  readonly code: string;
  readonly class: "transient" | "permanent" | "unknown";
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly cause?: string;
}
