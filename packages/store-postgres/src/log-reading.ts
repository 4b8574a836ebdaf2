import { WaybillError } from "@waybill/core";
import type { ReadAllOptions, ReadOptions, StoredEvent } from "@waybill/core";
import type { Database } from "./database.ts";
import { storeClosed } from "./failure.ts";
import { inPages, pageQuery } from "./pages.ts";
import { isBefore, parsePosition, positionOf } from "./stored-event.ts";
import type { Place } from "./stored-event.ts";
import type { WakeUp } from "./wake-up.ts";

/** An open log, as a reader needs it. */
export interface ReadableLog {
  readonly database: Database;
  /** Woken by every append that this process hears of, and by the close. */
  readonly grown: WakeUp;
  readonly isClosed: boolean;
  /** The longest wait for a hint, in milliseconds. */
  readonly pollMs: number;
  /** The longest wait for a transaction that holds up the order, in milliseconds. */
  readonly patienceMs: number;
}

/** One stream, in pages. */
export async function* readStream(
  { database }: ReadableLog,
  stream: string,
  options: ReadOptions,
): AsyncGenerator<readonly StoredEvent[]> {
  const to = Math.min(options.to ?? MAX_VERSION, MAX_VERSION);
  const from = Math.min(Math.max(options.from ?? 1, 1), MAX_VERSION);
  yield* inPages({
    database,
    query: READ_STREAM,
    valuesAfter: (last) => [stream, last?.version ?? from - 1, to],
    isEnd: ({ version }) => version >= to,
    stream,
  });
}

/** The whole log up to what is committed now, in pages. An abort is an error, since a part is not all. */
export async function* readAll(
  log: ReadableLog,
  options: ReadAllOptions,
): AsyncGenerator<readonly StoredEvent[]> {
  const { signal } = options;
  signal?.throwIfAborted();
  const after = await startAfter(log, options.after);
  const through = await settledEnd(log, signal);
  for await (const page of pagesBetween(log, after, through, options.types)) {
    signal?.throwIfAborted();
    yield page;
  }
  signal?.throwIfAborted();
}

/** The whole log, then what is appended, until the signal aborts. */
export async function* follow(
  log: ReadableLog,
  options: ReadAllOptions,
): AsyncGenerator<readonly StoredEvent[]> {
  const { signal } = options;
  if (isAborted(signal)) return;
  let after = await startAfter(log, options.after);
  for (let delayMs = SHORT_WAIT_MS; !isAborted(signal);) {
    const count = log.grown.count;
    const { settled, end } = await marks(log);
    if (isBefore(after, settled)) {
      delayMs = SHORT_WAIT_MS;
      for await (const page of pagesBetween(log, after, settled, options.types)) {
        if (isAborted(signal)) return;
        yield page;
      }
      after = settled;
    } else {
      // What is committed but not settled yet comes without another hint.
      const isHeldUp = isBefore(settled, end);
      await log.grown.next(count, isHeldUp ? Math.min(delayMs, log.pollMs) : log.pollMs, signal);
      delayMs = isHeldUp ? delayMs * 2 : SHORT_WAIT_MS;
    }
    if (log.isClosed) throw storeClosed();
  }
}

/**
 * Where the log ends, and how far it is settled. A transaction gets its number when it begins to
 * write and becomes visible when it commits, so a lower number may appear after a higher one. Below
 * the oldest transaction that is still under way nothing can appear any more.
 */
async function marks({
  database,
}: ReadableLog): Promise<{ readonly settled: Place; readonly end: Place }> {
  const [row = {}] = await database.ask(MARKS, []);
  return {
    settled: { tx: String(row["settled_tx"] ?? 0), position: String(row["settled_position"] ?? 0) },
    end: { tx: String(row["end_tx"] ?? 0), position: String(row["end_position"] ?? 0) },
  };
}

/** Waits until everything that is committed now is settled. */
async function settledEnd(log: ReadableLog, signal: AbortSignal | undefined): Promise<Place> {
  const until = Date.now() + log.patienceMs;
  const { end, settled: first } = await marks(log);
  let settled = first;
  for (let delayMs = SHORT_WAIT_MS; isBefore(settled, end); delayMs = Math.min(delayMs * 2, 50)) {
    if (Date.now() > until) throw heldUp(log);
    await log.grown.next(log.grown.count, delayMs, signal);
    signal?.throwIfAborted();
    if (log.isClosed) throw storeClosed();
    ({ settled } = await marks(log));
  }
  return end;
}

function heldUp({ database, patienceMs }: ReadableLog): WaybillError {
  const message = `The log in ${database.place} cannot be read in its order: another transaction on this server has been writing for more than ${patienceMs} ms. Find it in pg_stat_activity by its backend_xid, and end it or let it end.`;
  return new WaybillError("STORE_HELD_UP", message, {
    class: "transient",
    details: { place: database.place, patienceMs },
  });
}

/** Everything in between; the end must be settled. */
async function* pagesBetween(
  { database }: ReadableLog,
  after: Place,
  through: Place,
  types: readonly string[] | undefined,
): AsyncGenerator<readonly StoredEvent[]> {
  if (!isBefore(after, through) || types?.length === 0) return;
  if (types === undefined) {
    yield* inPages({
      database,
      query: READ_ALL,
      valuesAfter: (last) => [...cells(last?.place ?? after), ...cells(through)],
      isEnd: ({ place }) => positionOf(place) === positionOf(through),
    });
    return;
  }
  // By stretches of the log, so that a rare type makes many short statements and not a long one.
  for (let from = after; isBefore(from, through);) {
    const [row] = await database.ask(STRETCH, [...cells(from), ...cells(through)]);
    const begin = from;
    const end =
      row === undefined ? through : { tx: String(row["tx"]), position: String(row["position"]) };
    yield* inPages({
      database,
      query: READ_TYPES,
      valuesAfter: (last) => [...cells(last?.place ?? begin), ...cells(end), types],
      isEnd: ({ place }) => positionOf(place) === positionOf(end),
    });
    from = end;
  }
}

async function startAfter({ database }: ReadableLog, after: string | undefined): Promise<Place> {
  if (after === undefined) return { tx: "0", position: "0" };
  const place = parsePosition(after);
  if (place !== null && (await database.ask(EXISTS, cells(place))).length > 0) return place;
  throw new WaybillError(
    "POSITION_UNKNOWN",
    `The position ${after} was never given by this store. Read again from the beginning: it may have been put back from a backup.`,
    { details: { after } },
  );
}

function cells({ tx, position }: Place): readonly string[] {
  return [tx, position];
}

/** As a call, since TypeScript takes an earlier look at the signal for a lasting fact. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

const STRETCH_EVENTS = 20_000;
const SHORT_WAIT_MS = 2;
const MAX_VERSION = 2 ** 31 - 1;

const IN_ORDER = "tx, position";
const BETWEEN =
  "(tx, position) > ($1::bigint, $2::bigint) AND (tx, position) <= ($3::bigint, $4::bigint)";

const READ_STREAM = pageQuery("waybill-read-stream", {
  where: `stream = $1 COLLATE "C" AND version > $2::int AND version <= $3::int`,
  order: "version",
  stream: "NULL",
});
const READ_ALL = pageQuery("waybill-read-all", { where: BETWEEN, order: IN_ORDER });
const READ_TYPES = pageQuery("waybill-read-types", {
  where: `${BETWEEN} AND type = ANY ($5::text[] COLLATE "C")`,
  order: IN_ORDER,
});
const STRETCH = {
  name: "waybill-stretch",
  text: `SELECT tx, position FROM events WHERE ${BETWEEN} ORDER BY ${IN_ORDER} OFFSET ${STRETCH_EVENTS - 1} LIMIT 1`,
};
const EXISTS = {
  name: "waybill-exists",
  text: "SELECT FROM events WHERE tx = $1::bigint AND position = $2::bigint",
};
const MARKS = {
  name: "waybill-marks",
  text: `SELECT settled.tx AS settled_tx, settled.position AS settled_position,
      latest.tx AS end_tx, latest.position AS end_position
    FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint + tx_offset AS tx FROM log) horizon
    LEFT JOIN LATERAL (SELECT tx, position FROM events WHERE tx < horizon.tx
      ORDER BY tx DESC, position DESC LIMIT 1) settled ON true
    LEFT JOIN LATERAL (SELECT tx, position FROM events ORDER BY tx DESC, position DESC LIMIT 1) latest ON true`,
};
