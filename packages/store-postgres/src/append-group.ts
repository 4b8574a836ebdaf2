import { setTimeout as pause } from "node:timers/promises";
import type { ExpectedVersion } from "@waybill/core";
import { appendAlone } from "./append-alone.ts";
import type { Database, Row, Statement } from "./database.ts";
import { expectedNumber, payloadsOf } from "./event-row.ts";
import type { EventRow } from "./event-row.ts";
import { failureFrom, troubleOf } from "./failure.ts";

/** An append as it waits: the data is JSON already, so that the caller may change its objects. */
export interface AppendRequest {
  readonly stream: string;
  readonly expected: ExpectedVersion;
  readonly epoch: number | null;
  readonly events: readonly EventRow[];
}

/** How an append of a group ended. */
export type AppendAnswer =
  | {
      readonly type: "stored";
      readonly head: number;
      readonly tx: string;
      readonly positions: readonly string[];
    }
  | { readonly type: "known" }
  | { readonly type: "conflict"; readonly actual: number }
  | { readonly type: "fenced"; readonly epoch: number }
  | { readonly type: "failed"; readonly error: unknown };

/**
 * Appends for several streams in one statement, each judged for itself: no two may be for the same
 * stream. Repeating it does no harm, since what was stored is known by its ids.
 */
export async function appendGroup(
  database: Database,
  group: readonly AppendRequest[],
): Promise<readonly AppendAnswer[]> {
  const [first] = group;
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (first !== undefined && group.length === 1) {
        const answer = await appendAlone(database, first);
        if (answer !== null) return [answer];
      }
      return await askTogether(group, (statement, cells) => database.ask(statement, cells));
    } catch (error) {
      if (troubleOf(error) !== "collision") return group.map(() => ({ type: "failed", error }));
      // Another process was first; the next look sees what it did. One that keeps colliding must
      // not hold up the others.
      if (group.length > 1 && attempt > 1) return appendOneByOne(database, group);
      if (attempt === ATTEMPTS) {
        return [{ type: "failed", error: failureFrom(error, database.place, true) }];
      }
      await pause(Math.random() * 2 ** Math.min(attempt, 6));
    }
  }
}

/** The one statement, wherever it is asked. */
export async function askTogether(
  group: readonly AppendRequest[],
  ask: (statement: Statement, cells: readonly unknown[]) => Promise<readonly Row[]>,
): Promise<readonly AppendAnswer[]> {
  const payloads = payloadsOf(group.flatMap(({ events }) => events));
  const cells = cellsOf(group);
  if (payloads.length === 0) return answersFrom(await ask(APPEND, cells), group);
  const references = payloads.map(({ reference }) => reference);
  const texts = payloads.map(({ data }) => data);
  return answersFrom(await ask(APPEND_LARGE, [...cells, references, texts]), group);
}

async function appendOneByOne(
  database: Database,
  group: readonly AppendRequest[],
): Promise<readonly AppendAnswer[]> {
  const answers: AppendAnswer[] = [];
  for (const request of group) answers.push(...(await appendGroup(database, [request])));
  return answers;
}

/**
 * The ids first, since a repeat is recognised whatever the version or the fence says; then the
 * fence; then the version. A look at the log can be out of date by the time of the insert: then one
 * of the two unique indexes refuses all of it. A lease can not: its row is locked against a claim.
 *
 * `LIMIT 1` keeps each look a look at an index. Streams are written in their order, so that two
 * groups that meet wait for each other and never in a circle.
 */
const APPEND = { name: "waybill-append", text: appendText("") };

// The row is locked even where it is there already: it must not be swept before the event stands.
const APPEND_LARGE = {
  name: "waybill-append-large",
  text: appendText(`, kept AS (
  INSERT INTO payloads (reference, data)
  SELECT p.reference, p.data FROM unnest($14::text[], $15::text[]) AS p (reference, data)
  WHERE p.reference IN (SELECT f.data FROM verdicts v JOIN fresh f USING (place) WHERE v.verdict = 'stored')
  ORDER BY p.reference COLLATE "C"
  ON CONFLICT (reference) DO UPDATE SET reference = excluded.reference
)`),
};

function appendText(kept: string): string {
  return `
WITH asked AS MATERIALIZED (
  SELECT * FROM unnest($1::int[], $2::text[], $3::bigint[], $4::bigint[])
    AS a (place, stream, expected, fence)
), fresh AS MATERIALIZED (
  SELECT * FROM unnest($5::int[], $6::int[], $7::text[], $8::text[], $9::bigint[], $10::float8[],
    $11::text[], $12::bool[], $13::text[])
    AS f (place, nth, id, type, schema, recorded_at, causation, must_understand, data)
), known AS MATERIALIZED (
  SELECT DISTINCT f.place FROM fresh f
    CROSS JOIN LATERAL (SELECT FROM events e WHERE e.id = f.id COLLATE "C" LIMIT 1) e
), fences AS MATERIALIZED (
  SELECT l.name, l.epoch FROM leases l
  WHERE l.name IN (SELECT stream COLLATE "C" FROM asked WHERE fence IS NOT NULL)
  ORDER BY l.name FOR SHARE
), judged AS MATERIALIZED (
  SELECT a.*, (SELECT f.epoch FROM fences f WHERE f.name = a.stream COLLATE "C") AS epoch,
    coalesce((SELECT e.version FROM events e WHERE e.stream = a.stream COLLATE "C"
      ORDER BY e.version DESC LIMIT 1), 0) AS head,
    a.place IN (SELECT place FROM known) AS is_known
  FROM asked a
), verdicts AS MATERIALIZED (
  SELECT j.*, CASE
    WHEN is_known THEN 'known'
    WHEN fence < epoch THEN 'fenced'
    WHEN expected = -2 AND head = 0 OR expected >= 0 AND expected <> head THEN 'conflict'
    ELSE 'stored' END AS verdict
  FROM judged j
), stored AS (
  INSERT INTO events (tx, stream, version, id, type, schema, recorded_at, causation,
    must_understand, data)
  SELECT pg_current_xact_id()::text::bigint + (SELECT tx_offset FROM log), v.stream, v.head + f.nth,
    f.id, f.type, f.schema, f.recorded_at, f.causation, f.must_understand, f.data
  FROM verdicts v JOIN fresh f USING (place)
  WHERE v.verdict = 'stored'
  ORDER BY v.stream COLLATE "C", f.nth
  RETURNING stream, version, tx, position
)${kept}
SELECT v.place, v.verdict, v.head, v.epoch, s.tx, s.positions
FROM verdicts v LEFT JOIN (
  SELECT stream, min(tx) AS tx, array_agg(position::text ORDER BY version) AS positions
  FROM stored GROUP BY stream
) s ON s.stream = v.stream COLLATE "C"
ORDER BY v.place`;
}

/** The columns of the statement's two tables, as arrays. */
function cellsOf(group: readonly AppendRequest[]): readonly unknown[] {
  const events = group.flatMap((request, place) =>
    request.events.map((event, index) => ({ ...event, place, nth: index + 1 })),
  );
  return [
    group.map((_, place) => place),
    group.map(({ stream }) => stream),
    group.map(({ expected }) => expectedNumber(expected)),
    group.map(({ epoch }) => epoch),
    events.map(({ place }) => place),
    events.map(({ nth }) => nth),
    events.map(({ id }) => id),
    events.map(({ type }) => type),
    events.map(({ schema }) => schema),
    events.map(({ recordedAt }) => recordedAt),
    events.map(({ causation }) => causation),
    events.map(({ mustUnderstand }) => mustUnderstand),
    events.map(({ data }) => data),
  ];
}

function answersFrom(
  rows: readonly Row[],
  group: readonly AppendRequest[],
): readonly AppendAnswer[] {
  if (rows.length !== group.length) throw new RangeError("The server left out an answer.");
  return rows.map(answerFrom);
}

function answerFrom(row: Row): AppendAnswer {
  const head = Number(row["head"]);
  switch (row["verdict"]) {
    case "stored": {
      const positions = Array.isArray(row["positions"]) ? row["positions"].map(String) : [];
      return { type: "stored", head, tx: String(row["tx"]), positions };
    }
    case "known":
      return { type: "known" };
    case "fenced":
      return { type: "fenced", epoch: Number(row["epoch"]) };
    case "conflict":
      return { type: "conflict", actual: head };
    default:
      throw new RangeError(`The server gave the verdict ${String(row["verdict"])}.`);
  }
}

const ATTEMPTS = 20;
