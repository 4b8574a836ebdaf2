import type { Json } from "../json.ts";
import type { Instant } from "../ids.ts";

/** An event on its way into a store. */
export interface NewEvent {
  /** Unique in the whole store. A second append with the same id is recognised as a repeat. */
  readonly id: string;
  readonly type: string;
  readonly data: Json;
  /** The version of this event type's shape; upcast on read. */
  readonly schema: number;
  readonly recordedAt: Instant;
  /** What caused it: a command's id, or null. */
  readonly causation: string | null;
  /** False where a reader that does not know the type may keep it and go on. */
  readonly mustUnderstand: boolean;
}

/** An event as a store gives it back. */
export interface StoredEvent extends NewEvent {
  readonly stream: string;
  /** 1 for the first event of its stream, then one more for each, without gaps. */
  readonly version: number;
  /** Its place in the whole store: opaque, comparable only by handing it back as `after`. */
  readonly position: string;
}

/** An event that is to be put back where it was erased: as it was read before. */
export interface ErasedEvent extends NewEvent {
  readonly version: number;
}

/** The version that a stream must have for an append to happen: `"none"` means no events at all. */
export type ExpectedVersion = number | "none" | "exists" | "any";

/** How an append ended. A conflict is an ordinary outcome, so it is a value and not an exception. */
export type AppendResult =
  | {
      readonly ok: true;
      /** The stream's version after the append. */
      readonly version: number;
      /** The events as stored; for a repeat, as they were stored the first time. */
      readonly events: readonly StoredEvent[];
      /** True where every event was there already: a lost acknowledgement, tried again. */
      readonly repeated: boolean;
    }
  | { readonly ok: false; readonly reason: "conflict"; readonly actual: number }
  | { readonly ok: false; readonly reason: "fenced"; readonly epoch: number };

/** One owner's right to act on a name, until it is claimed under a higher epoch. */
export interface Lease {
  readonly name: string;
  readonly owner: string;
  /** Grows with every claim by another owner, or by a new life of the same one. */
  readonly epoch: number;
}

/** How setting a checkpoint ended: another value than the expected one is an ordinary outcome. */
export type CheckpointResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: "conflict"; readonly actual: string | null };

/** Which events to read: versions are inclusive. */
export interface ReadOptions {
  readonly from?: number;
  readonly to?: number;
}

/** Which events of the whole store to read. */
export interface ReadAllOptions {
  /** Read what comes after this position; from the beginning where it is left out. */
  readonly after?: string;
  /** Only these types. */
  readonly types?: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * The log. Everything that is true of a session is in its stream; everything else can be rebuilt.
 * `eventStoreContract` in `@waybill/core/testing` states each promise as a test.
 */
export interface EventStore {
  /** The log's own identity, made once and kept with it: runs are labelled with it. */
  readonly id: string;

  /** Resolves once the log is open, or throws with the code and the fix. Repeated calls do nothing. */
  open(): Promise<void>;

  /**
   * Appends all the events or none. Resolves once they are durable.
   *
   * @param fence where given, the append happens only if no higher epoch was claimed for the stream.
   */
  append(
    stream: string,
    expected: ExpectedVersion,
    events: readonly NewEvent[],
    fence?: { readonly epoch: number },
  ): Promise<AppendResult>;

  /**
   * Takes what the stream's events say out of the store and puts the tombstone behind them, in one
   * step; a conflict and a fence are values, and the same tombstone again is a repeat, as with an
   * append. From then on the stream reads as the tombstone and what follows it. Of every event before
   * it the id, the version and the position remain, so that no number is given twice, no reader's
   * place is lost, and an id that comes again is `EVENT_ID_REUSED`. Whoever reads the whole store
   * passes over them. Resolves once it is durable.
   */
  erase(
    stream: string,
    expected: number,
    tombstone: NewEvent,
    fence?: { readonly epoch: number },
  ): Promise<AppendResult>;

  /**
   * Puts erased events back, each into its place: what an archive is for. All of them or none. The
   * tombstone stays behind them, as a fact. Events that are there already are left as they are.
   * Throws `RESTORE_MISMATCH` where an event is not the one that stood there.
   */
  restore(stream: string, events: readonly ErasedEvent[]): Promise<void>;

  /** The stream's events in order, in pages; nothing for a stream that does not exist. */
  read(stream: string, options?: ReadOptions): AsyncIterable<readonly StoredEvent[]>;

  /** The whole store's events in order, in pages, up to what was durable when it was asked. */
  readAll(options?: ReadAllOptions): AsyncIterable<readonly StoredEvent[]>;

  /** As `readAll`, then goes on with what is appended, by any process, until the signal aborts. */
  subscribe(options?: ReadAllOptions): AsyncIterable<readonly StoredEvent[]>;

  /**
   * Claims names for an owner, each under a new epoch; leaves out those that another live owner
   * holds. A store with a single owning process gives all of them.
   */
  claim(names: readonly string[], owner: string): Promise<readonly Lease[]>;

  /** Keeps the leases alive; gives back those that are still held. */
  renew(leases: readonly Lease[]): Promise<readonly Lease[]>;

  /** Lets go, so that another may claim at once. */
  release(leases: readonly Lease[]): Promise<void>;

  /**
   * What was set last under this name; null for nothing. The store's own positions are what it is
   * for: how far a reader has come. A log that is put back from a backup has them as they were then.
   */
  checkpoint(name: string): Promise<string | null>;

  /**
   * Sets the value, or removes it with null, if it is the expected one: compare and swap, in one
   * step, whoever else sets it. Resolves once it is durable. Where the value is there already it is
   * `ok`, so that a call whose answer was lost may be repeated: who must be the only one to go on
   * needs a lease.
   *
   * @param value up to 4,096 characters.
   */
  setCheckpoint(
    name: string,
    value: string | null,
    expected: string | null,
  ): Promise<CheckpointResult>;

  /** Resolves once everything appended is durable and the log is closed. */
  close(): Promise<void>;
}
