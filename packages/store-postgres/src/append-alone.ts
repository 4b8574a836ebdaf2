import type { AppendAnswer, AppendRequest } from "./append-group.ts";
import type { Database, Statement } from "./database.ts";
import { expectedNumber } from "./event-row.ts";
import type { EventRow } from "./event-row.ts";
import { troubleOf } from "./failure.ts";

/**
 * An append that has no company, as most have none, by a statement a third as long to carry out as
 * the one for a group. It stores or does nothing: null where it did nothing, for whatever reason. The
 * group's statement, asked next, finds that reason out; it is not what one waits for often.
 */
export async function appendAlone(
  database: Database,
  { stream, expected, epoch, events }: AppendRequest,
): Promise<AppendAnswer | null> {
  if (events.some(({ payload }) => payload !== null)) return null;
  const [only] = events;
  const version = expectedNumber(expected);
  if (only !== undefined && events.length === 1 && version >= 0 && version < LAST_VERSION)
    return appendOne(database, { stream, version, epoch, event: only });
  const values = [
    stream,
    version,
    epoch,
    events.map(({ id }) => id),
    events.map(({ type }) => type),
    events.map(({ schema }) => schema),
    events.map(({ recordedAt }) => recordedAt),
    events.map(({ causation }) => causation),
    events.map(({ mustUnderstand }) => mustUnderstand),
    events.map(({ data }) => data),
  ];
  try {
    const rows = await database.ask(APPEND, values);
    const [first] = rows;
    if (first === undefined) return null;
    return {
      type: "stored",
      head: Number(first["head"]),
      tx: String(first["tx"]),
      positions: rows.map((row) => String(row["position"])),
    };
  } catch (error) {
    // Another process was first: it has to be judged by what is there now.
    if (troubleOf(error) === "collision") return null;
    throw error;
  }
}

/** No stream comes this far; beyond it, the column's type would refuse the number. */
const LAST_VERSION = 2 ** 31 - 1;

interface OneEvent {
  readonly stream: string;
  /** What the stream must have. */
  readonly version: number;
  readonly epoch: number | null;
  readonly event: EventRow;
}

/** The most common of all: one event behind a version that is known. */
async function appendOne(
  database: Database,
  { stream, version, epoch, event }: OneEvent,
): Promise<AppendAnswer | null> {
  const { id, type, schema, recordedAt, causation, mustUnderstand, data } = event;
  const facts = [id, type, schema, recordedAt, causation, mustUnderstand, data];
  const [row] = await database.ask(APPEND_ONE, [stream, version, epoch, ...facts]);
  if (row === undefined) return null;
  return {
    type: "stored",
    head: version,
    tx: String(row["tx"]),
    positions: [String(row["position"])],
  };
}

/**
 * No look for the stream's head and for the id: the two unique indexes refuse what comes twice. The
 * version before must be there, or the stream would get a gap; and the lease's row is read, and so
 * locked, before its epoch is compared.
 */
const APPEND_ONE: Statement = {
  name: "waybill-append-one",
  text: `
INSERT INTO events (tx, stream, version, id, type, schema, recorded_at, causation,
  must_understand, data)
SELECT pg_current_xact_id()::text::bigint + log.tx_offset, $1::text, $2::int + 1, $4::text, $5::text,
  $6::bigint, $7::float8, $8::text, $9::bool, $10::text
FROM log
WHERE ($2::int = 0 OR EXISTS (SELECT FROM events WHERE stream = $1 COLLATE "C" AND version = $2::int))
  AND ($3::bigint IS NULL OR coalesce(
    (SELECT epoch FROM leases WHERE name = $1 COLLATE "C" FOR SHARE), 0) <= $3::bigint)
ON CONFLICT DO NOTHING
RETURNING tx, position`,
};

/** The same conditions as the group's statement has, all of which must hold. */
const APPEND: Statement = {
  name: "waybill-append-alone",
  text: `
WITH stood AS MATERIALIZED (
  SELECT coalesce((SELECT version FROM events WHERE stream = $1 COLLATE "C"
    ORDER BY version DESC LIMIT 1), 0) AS head
), fences AS MATERIALIZED (
  SELECT epoch FROM leases WHERE name = $1 COLLATE "C" AND $3::bigint IS NOT NULL FOR SHARE
), stored AS (
  INSERT INTO events (tx, stream, version, id, type, schema, recorded_at, causation,
    must_understand, data)
  SELECT pg_current_xact_id()::text::bigint + (SELECT tx_offset FROM log), $1, stood.head + f.nth,
    f.id, f.type, f.schema, f.recorded_at, f.causation, f.must_understand, f.data
  FROM stood, unnest($4::text[], $5::text[], $6::bigint[], $7::float8[], $8::text[], $9::bool[],
    $10::text[]) WITH ORDINALITY
    AS f (id, type, schema, recorded_at, causation, must_understand, data, nth)
  WHERE ($2::bigint = -1 OR stood.head = $2::bigint OR $2::bigint = -2 AND stood.head > 0)
    AND NOT EXISTS (SELECT FROM events e WHERE e.id = ANY ($4::text[] COLLATE "C"))
    AND NOT EXISTS (SELECT FROM fences WHERE epoch > $3::bigint)
  ORDER BY f.nth
  RETURNING tx, version, position
)
SELECT tx, position, version - 1 AS head FROM stored ORDER BY version`,
};
