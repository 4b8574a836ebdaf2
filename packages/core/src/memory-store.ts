import { checkCheckpoint } from "./check-checkpoint.ts";
import { checkAppend, checkRestore, eventIdReused } from "./check-append.ts";
import { WaybillError } from "./errors.ts";
import { memoryLeases } from "./memory-leases.ts";
import { MemoryLog } from "./memory-log.ts";
import type { Clock } from "./ports/clock.ts";
import type {
  AppendResult,
  CheckpointResult,
  EventStore,
  ExpectedVersion,
  NewEvent,
  ReadAllOptions,
  ReadOptions,
  StoredEvent,
} from "./ports/event-store.ts";

/** How a memory store behaves. */
export interface MemoryStoreOptions {
  /** What leases are measured by. Needed where `leaseMs` is given, otherwise unused. */
  readonly clock?: Clock;
  /**
   * How long another owner's claim is respected, in milliseconds, as in a store that many processes
   * share. Default: not at all, as in a store that one process owns: every claim succeeds.
   */
  readonly leaseMs?: number;
  /** The log's identity. Default: a random UUID. */
  readonly id?: string;
}

/**
 * An event store that keeps everything in memory, for tests and for trying things out: all is gone
 * with the process. It passes the same contract as the durable stores. `close()` keeps the log, and
 * a later `open()` finds it again, as the next process would.
 */
export function memoryStore(options: MemoryStoreOptions = {}): EventStore {
  const { id = crypto.randomUUID() } = options;
  const leases = memoryLeases(options);
  const log = new MemoryLog();
  const checkpoints = new Map<string, string>();
  const waiting = new Set<() => void>();
  let isOpen = false;

  return {
    id,
    open: async () => {
      if (!isOpen) leases.beginLife();
      isOpen = true;
    },
    append: async (stream, expected, events, fence) =>
      append(stream, expected, events, fence?.epoch),
    erase: async (stream, expected, tombstone, fence) => {
      const result = append(stream, expected, [tombstone], fence?.epoch);
      if (result.ok) log.erase(stream, result.version - 1);
      return result;
    },
    restore: async (stream, events) => {
      assertOpen();
      checkRestore(stream, events);
      log.restore(stream, events);
    },
    read,
    readAll,
    subscribe,
    claim: async (names, owner) => {
      assertOpen();
      return leases.claim(names, owner);
    },
    renew: async (held) => {
      assertOpen();
      return leases.renew(held);
    },
    release: async (held) => {
      assertOpen();
      leases.release(held);
    },
    checkpoint: async (name) => {
      assertOpen();
      checkCheckpoint(name);
      return checkpoints.get(name) ?? null;
    },
    setCheckpoint: async (name, value, expected) => setCheckpoint(name, value, expected),
    close: async () => {
      isOpen = false;
      wake();
    },
  };

  function append(
    stream: string,
    expected: ExpectedVersion,
    events: readonly NewEvent[],
    epoch: number | undefined,
  ): AppendResult {
    assertOpen();
    checkAppend(stream, expected, events);
    const repeat = findRepeat(stream, events);
    if (repeat !== null) return repeat;
    const claimed = leases.epochOf(stream);
    if (epoch !== undefined && claimed > epoch)
      return { ok: false, reason: "fenced", epoch: claimed };
    const actual = log.positionsOf(stream).length;
    if (!isExpected(expected, actual)) return { ok: false, reason: "conflict", actual };
    const stored = events.map((event) => log.add(stream, event));
    wake();
    return { ok: true, version: actual + events.length, events: stored, repeated: false };
  }

  /** The result of the append that these events came with before; null where all of them are new. */
  function findRepeat(stream: string, events: readonly NewEvent[]): AppendResult | null {
    const known = events.flatMap(({ id: eventId }) => log.entryOf(eventId) ?? []);
    if (known.length === 0) return null;
    const stored = known.flatMap((entry) =>
      entry.stream === stream && entry.event !== null ? entry.event : [],
    );
    if (stored.length < events.length) {
      const strange = events.find(({ id: eventId }) => {
        const entry = log.entryOf(eventId);
        return entry !== undefined && (entry.stream !== stream || entry.event === null);
      });
      throw eventIdReused((strange ?? stored[0])?.id ?? "", stream);
    }
    // Not the stream's version of today: the caller does not know what others appended since.
    const version = Math.max(...stored.map((event) => event.version));
    return { ok: true, version, events: stored, repeated: true };
  }

  function setCheckpoint(
    name: string,
    value: string | null,
    expected: string | null,
  ): CheckpointResult {
    assertOpen();
    checkCheckpoint(name, value, expected);
    const actual = checkpoints.get(name) ?? null;
    if (actual !== expected && actual !== value) return { ok: false, reason: "conflict", actual };
    if (value === null) checkpoints.delete(name);
    else checkpoints.set(name, value);
    return { ok: true };
  }

  async function* read(
    stream: string,
    range: ReadOptions = {},
  ): AsyncGenerator<readonly StoredEvent[]> {
    assertOpen();
    const from = Math.max(range.from ?? 1, 1);
    const wanted = log
      .positionsOf(stream)
      .slice(from - 1, range.to === undefined ? undefined : Math.max(range.to, 0));
    for (let start = 0; start < wanted.length; start += PAGE) {
      assertOpen();
      const page = wanted
        .slice(start, start + PAGE)
        .flatMap((position) => log.eventAt(position) ?? []);
      if (page.length > 0) yield page;
    }
  }

  async function* readAll(range: ReadAllOptions = {}): AsyncGenerator<readonly StoredEvent[]> {
    let after = startAfter(range.after);
    const through = log.last;
    while (after < through) {
      range.signal?.throwIfAborted();
      assertOpen();
      const page = pageAfter(after, through, range.types);
      after = page.through;
      if (page.events.length > 0) yield page.events;
    }
    range.signal?.throwIfAborted();
  }

  async function* subscribe(range: ReadAllOptions = {}): AsyncGenerator<readonly StoredEvent[]> {
    let after = startAfter(range.after);
    while (range.signal?.aborted !== true) {
      assertOpen();
      const page = pageAfter(after, log.last, range.types);
      after = page.through;
      if (page.events.length > 0) yield page.events;
      else await grown(after, range.signal);
    }
  }

  function pageAfter(after: number, through: number, types: readonly string[] | undefined): Page {
    const events: StoredEvent[] = [];
    let position = after;
    while (position < through && events.length < PAGE) {
      position += 1;
      const type = log.typeAt(position);
      if (type !== null && (types === undefined || types.includes(type)))
        events.push(...[log.eventAt(position)].filter((event) => event !== null));
    }
    return { events, through: position };
  }

  function startAfter(after: string | undefined): number {
    assertOpen();
    if (after === undefined) return 0;
    const position = /^\d{1,15}$/.test(after) ? Number(after) : Number.NaN;
    if (position <= log.last) return position;
    throw new WaybillError(
      "POSITION_UNKNOWN",
      `The position ${after} was never given by this store. Read again from the beginning.`,
      { details: { after, last: String(log.last) } },
    );
  }

  /** Resolves once something may have come after the position, or the waiting is over. */
  function grown(after: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        waiting.delete(done);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      waiting.add(done);
      signal?.addEventListener("abort", done);
      if (log.last > after || signal?.aborted === true) done();
    });
  }

  function wake(): void {
    for (const done of waiting) done();
  }

  function assertOpen(): void {
    if (isOpen) return;
    throw new WaybillError("STORE_CLOSED", "The memory store is not open: call open() first.");
  }
}

const PAGE = 256;

interface Page {
  readonly events: readonly StoredEvent[];
  /** How far the log was looked through, also where nothing matched. */
  readonly through: number;
}

function isExpected(expected: ExpectedVersion, actual: number): boolean {
  if (expected === "any") return true;
  if (expected === "exists") return actual > 0;
  return actual === (expected === "none" ? 0 : expected);
}
