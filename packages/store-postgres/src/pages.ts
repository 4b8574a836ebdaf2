import type { StoredEvent } from "@waybill/core";
import type { Cells, Database, Statement } from "./database.ts";
import { dataOf, eventColumns, placeOf, storedFrom, versionOf } from "./stored-event.ts";
import type { Place } from "./stored-event.ts";

/** A part of the log that is read in pages. */
export interface Paging {
  readonly database: Database;
  readonly query: PageQuery;
  /** The query's values for the page after this event; for the first page where it is null. */
  readonly valuesAfter: (last: Last | null) => readonly unknown[];
  /** Whether nothing is to be read behind this event. */
  readonly isEnd: (last: Last) => boolean;
  /** Where all of it is of one stream, which then need not be read. */
  readonly stream?: string;
}

/** Where a page ended. */
export interface Last {
  readonly place: Place;
  readonly version: number;
}

/** How a page is asked for: measured by the server, or where small events are expected. */
export interface PageQuery {
  readonly measured: Statement;
  readonly small: Statement;
}

/**
 * Asks for the next page while the present one is in use, until one is empty or ends where it must.
 *
 * The server measures a page by a sum over its rows, which costs it as much as finding and sending
 * them. So behind a page that was full of small events the next is asked for without that: what is
 * long comes as a mark in it, and the page ends there and is measured from there on.
 */
export async function* inPages(paging: Paging): AsyncGenerator<readonly StoredEvent[]> {
  const { database, query, valuesAfter, isEnd, stream } = paging;
  let last: Last | null = null;
  let isSmall = false;
  let asked: Promise<readonly Cells[]> | null = database.askCells(
    query.measured,
    valuesAfter(null),
  );
  while (asked !== null) {
    const rows: readonly Cells[] = await asked;
    const page = untilMark(rows);
    last = lastOf(page) ?? last;
    if (hasAllThatIsLeft(rows, page, isSmall) || (last !== null && isEnd(last))) {
      asked = null;
    } else {
      isSmall = page.length === (isSmall ? SMALL_EVENTS : MEASURED_EVENTS);
      asked = database.askCells(isSmall ? query.small : query.measured, valuesAfter(last));
      // A failure is met when its page is due; whoever stops before that does not need to know.
      asked.catch(() => null);
    }
    if (page.length > 0) yield page.map((row) => storedFrom(row, stream));
  }
}

/** The statements for a page of the rows that were not erased. */
export function pageQuery(
  name: string,
  part: { readonly where: string; readonly order: string; readonly stream?: string },
): PageQuery {
  const { where, order, stream } = part;
  const rows = `FROM events WHERE ${where} AND type <> '' ORDER BY ${order} LIMIT`;
  return {
    // So many, or fewer where they are long, but at least one. The sum is of plain integers, which
    // costs a third of a sum of 64-bit ones.
    measured: {
      name,
      text: `SELECT ${eventColumns(WHOLE, stream)} FROM (
          SELECT *, sum(size) OVER (ORDER BY ${order} ROWS UNBOUNDED PRECEDING) - size AS before
          FROM (SELECT *, ${SIZE} AS size ${rows} ${MEASURED_EVENTS}) AS few
        ) AS measured WHERE before < ${MEASURED_BYTES} ORDER BY ${order}`,
    },
    small: {
      name: `${name}-small`,
      text: `SELECT ${eventColumns(`CASE WHEN octet_length(data) < ${SMALL_BYTES} THEN data ELSE '${MARK}' END`, stream)} ${rows} ${SMALL_EVENTS}`,
    },
  };
}

/** The rows before one whose data is not there: a mark, or the reference to large data. */
function untilMark(rows: readonly Cells[]): readonly Cells[] {
  const mark = rows.findIndex((row) => dataOf(row).startsWith(MARK));
  return mark === -1 ? rows : rows.slice(0, mark);
}

/** Whether nothing was left for another page: most streams are read with one round trip. */
function hasAllThatIsLeft(
  rows: readonly Cells[],
  page: readonly Cells[],
  isSmall: boolean,
): boolean {
  if (page.length < rows.length) return false;
  if (isSmall || rows.length === 0) return rows.length < SMALL_EVENTS;
  // The server measures in bytes; a code unit takes three of them at most.
  const atMost = rows.reduce((sum, row) => sum + dataOf(row).length * 3, 0);
  return rows.length < MEASURED_EVENTS && atMost < MEASURED_BYTES;
}

function lastOf(rows: readonly Cells[]): Last | null {
  const row = rows.at(-1);
  return row === undefined ? null : { place: placeOf(row), version: versionOf(row) };
}

const MEASURED_EVENTS = 512;
const MEASURED_BYTES = 1_000_000;
const SMALL_EVENTS = 2_048;
const SMALL_BYTES = 2_048;
// References begin with it, and JSON never does.
const MARK = "@";
// "@sha256:", 64 digits, a colon and the length: to look into longer data would be to load it.
const LONGEST_REFERENCE = 100;

/** How long the event's data is, whole. */
const SIZE = `CASE WHEN octet_length(data) < ${LONGEST_REFERENCE} AND left(data, 1) = '${MARK}'
  THEN split_part(data, ':', 3)::integer ELSE octet_length(data) END`;

/** Only a reference stands for more than its own length. */
const WHOLE = `CASE WHEN size > octet_length(data)
  THEN (SELECT p.data FROM payloads p WHERE p.reference = measured.data COLLATE "C")
  ELSE data END`;
