import { checkAppend, checkRestore, eventIdReused, restoreMismatch } from "@waybill/core";
import type {
  AppendResult,
  ErasedEvent,
  ExpectedVersion,
  Lease,
  NewEvent,
  StoredEvent,
} from "@waybill/core";
import { AppendQueue } from "./append-queue.ts";
import type { ReadableLog } from "./log-reading.ts";
import { startThread, storeClosed } from "./store-thread.ts";
import type { StoreThread } from "./store-thread.ts";
import { eventsFrom } from "./thread/event-cells.ts";
import { cellsOf } from "./thread/group-cells.ts";
import type { AppendAnswer, AppendRequest, EventRow, ThreadStart } from "./thread/messages.ts";
import { WakeUp } from "./wake-up.ts";

/** Takes the lock of a store and opens its log for writing. */
export async function openOwnerLog(start: ThreadStart, queueBytes: number): Promise<OwnerLog> {
  return new OwnerLog(start.path, await startThread(start), queueBytes);
}

/** The log of a store from one `open()` to the next `close()`. */
export class OwnerLog implements ReadableLog {
  readonly path: string;
  readonly thread: StoreThread;
  readonly #queue: AppendQueue;
  readonly #appended = new WakeUp();
  #last: number;
  #closing: Promise<void> | null = null;

  constructor(path: string, thread: StoreThread, queueBytes: number) {
    this.path = path;
    this.thread = thread;
    this.#last = thread.opened.last;
    this.#queue = new AppendQueue({
      path,
      limitBytes: queueBytes,
      write: (group) => this.#write(group),
    });
  }

  async append(
    stream: string,
    expected: ExpectedVersion,
    events: readonly NewEvent[],
    fence: { readonly epoch: number } | undefined,
  ): Promise<AppendResult> {
    const answer = await this.write(this.#request(stream, expected, events, fence));
    return resultOf(answer, stream, events);
  }

  /** As it stands, whatever it is. */
  async write(append: AppendRequest): Promise<AppendAnswer> {
    if (this.#closing !== null) throw storeClosed(this.path);
    return this.#queue.push(append);
  }

  async erase(
    stream: string,
    expected: number,
    tombstone: NewEvent,
    fence: { readonly epoch: number } | undefined,
  ): Promise<AppendResult> {
    const request = this.#request(stream, expected, [tombstone], fence);
    const { result, last } = await this.thread.call("erase", request);
    this.#grow(last);
    return resultOf(result, stream, [tombstone]);
  }

  async restore(stream: string, events: readonly ErasedEvent[]): Promise<void> {
    checkRestore(stream, events);
    const rows = events.map((event) => ({ ...rowOf(event), version: event.version }));
    const strange = await this.thread.call("restore", { stream, events: rows });
    const event = strange === null ? undefined : events[strange];
    if (event !== undefined) throw restoreMismatch(stream, event);
  }

  last(): number {
    return this.#last;
  }

  async grown(after: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#last <= after && this.#closing === null) await this.#appended.next(signal);
  }

  async claim(names: readonly string[], owner: string): Promise<readonly Lease[]> {
    const epochs = await this.thread.call("claim", { names, owner });
    return names.map((name, place) => ({ name, owner, epoch: epochs[place] ?? 0 }));
  }

  async renew(leases: readonly Lease[]): Promise<readonly Lease[]> {
    const held = await this.thread.call("renew", leases);
    return leases.filter((_, place) => held[place]);
  }

  /** Waits for what is queued, then closes; everything asked from now on is refused. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async #shutDown(): Promise<void> {
    try {
      await this.#queue.drained();
      await this.thread.close();
    } finally {
      this.#appended.wake();
    }
  }

  async #write(group: readonly AppendRequest[]): Promise<readonly AppendAnswer[]> {
    const { results, last } = await this.thread.call("append", cellsOf(group));
    this.#grow(last);
    return results;
  }

  #grow(last: number): void {
    this.#last = last;
    this.#appended.wake();
  }

  #request(
    stream: string,
    expected: ExpectedVersion,
    events: readonly NewEvent[],
    fence: { readonly epoch: number } | undefined,
  ): AppendRequest {
    if (this.#closing !== null) throw storeClosed(this.path);
    checkAppend(stream, expected, events);
    return { stream, expected, epoch: fence?.epoch ?? null, events: events.map(rowOf) };
  }
}

/** The event as the thread takes it: the data as text from now on, whatever the caller does to it. */
export function rowOf(event: NewEvent): EventRow {
  const { id, type, data, schema, recordedAt, causation, mustUnderstand } = event;
  return { id, type, data: JSON.stringify(data), schema, recordedAt, causation, mustUnderstand };
}

function resultOf(answer: AppendAnswer, stream: string, events: readonly NewEvent[]): AppendResult {
  switch (answer.type) {
    case "stored": {
      const stored = events.map((event, place) =>
        storedFrom(event, stream, answer.version + place, answer.position + place),
      );
      return {
        ok: true,
        version: answer.version + events.length - 1,
        events: stored,
        repeated: false,
      };
    }
    case "repeated": {
      const stored = eventsFrom(answer.cells);
      // Not the stream's version of today: the caller does not know what others appended since.
      const version = Math.max(...stored.map((event) => event.version));
      return { ok: true, version, events: stored, repeated: true };
    }
    case "conflict":
      return { ok: false, reason: "conflict", actual: answer.actual };
    case "fenced":
      return { ok: false, reason: "fenced", epoch: answer.epoch };
    case "reused":
      throw eventIdReused(answer.id, stream);
  }
}

function storedFrom(
  event: NewEvent,
  stream: string,
  version: number,
  position: number,
): StoredEvent {
  const { id, type, data, schema, recordedAt, causation, mustUnderstand } = event;
  return {
    id,
    type,
    schema,
    recordedAt,
    causation,
    mustUnderstand,
    stream,
    version,
    position: String(position),
    data,
  };
}
