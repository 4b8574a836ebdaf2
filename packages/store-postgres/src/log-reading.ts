import { WaybillError } from "@waybill/core";
import type { ReadAllOptions, ReadOptions, StoredEvent } from "@waybill/core";
import type { Database, Row } from "./database.ts";
import { storeClosed } from "./failure.ts";
import {
  eventColumns,
  isBefore,
  parsePosition,
  placeFrom,
  positionOf,
  storedFrom,
} from "./stored-event.ts";
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
  yield* inPages(
    (last) => database.ask(READ_STREAM, [stream, last === null ? from - 1 : last["version"], to]),
    (last) => Number(last["version"]) >= to,
  );
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
    yield* inPages(
      (last) =>
        database.ask(READ_ALL, [
          ...cells(last === null ? after : placeFrom(last)),
          ...cells(through),
        ]),
      (last) => positionOf(placeFrom(last)) === positionOf(through),
    );
    return;
  }
  // By stretches of the log, so that a rare type makes many short statements and not a long one.
  for (let from = after; isBefore(from, through);) {
    const [row] = await database.ask(STRETCH, [...cells(from), ...cells(through)]);
    const begin = from;
    const end = row === undefined ? through : placeFrom(row);
    yield* inPages(
      (last) =>
        database.ask(READ_TYPES, [
          ...cells(last === null ? begin : placeFrom(last)),
          ...cells(end),
          types,
        ]),
      (last) => positionOf(placeFrom(last)) === positionOf(end),
    );
    from = end;
  }
}

/** Asks for the next page while the present one is in use, until one is empty or ends where it must. */
async function* inPages(
  ask: (last: Row | null) => Promise<readonly Row[]>,
  isEnd: (last: Row) => boolean,
): AsyncGenerator<readonly StoredEvent[]> {
  let asked: Promise<readonly Row[]> | null = ask(null);
  while (asked !== null) {
    const rows: readonly Row[] = await asked;
    const last = rows.at(-1);
    asked = last === undefined || isEnd(last) ? null : ask(last);
    // A failure is met when its page is due; whoever stops before that does not need to know.
    asked?.catch(() => null);
    if (rows.length > 0) yield rows.map(storedFrom);
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

const PAGE_EVENTS = 512;
const PAGE_BYTES = 1_000_000;
const STRETCH_EVENTS = 20_000;
const SHORT_WAIT_MS = 2;
const MAX_VERSION = 2 ** 31 - 1;

/** A page of the rows that were not erased: so many, or fewer where they are long, but at least one. */
function pageText(condition: string, order: string): string {
  return `SELECT ${eventColumns("measured")} FROM (
      SELECT *, coalesce(sum(CASE WHEN left(data, 1) = '@' THEN split_part(data, ':', 3)::bigint
          ELSE octet_length(data) END) OVER (ORDER BY ${order}
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
      FROM (SELECT * FROM events WHERE ${condition} AND type <> '' ORDER BY ${order} LIMIT ${PAGE_EVENTS}) AS few
    ) AS measured WHERE before < ${PAGE_BYTES} ORDER BY ${order}`;
}

const IN_ORDER = "tx, position";
const BETWEEN =
  "(tx, position) > ($1::bigint, $2::bigint) AND (tx, position) <= ($3::bigint, $4::bigint)";

const READ_STREAM = {
  name: "waybill-read-stream",
  text: pageText(`stream = $1 COLLATE "C" AND version > $2::int AND version <= $3::int`, "version"),
};
const READ_ALL = { name: "waybill-read-all", text: pageText(BETWEEN, IN_ORDER) };
const READ_TYPES = {
  name: "waybill-read-types",
  text: pageText(`${BETWEEN} AND type = ANY ($5::text[] COLLATE "C")`, IN_ORDER),
};
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
