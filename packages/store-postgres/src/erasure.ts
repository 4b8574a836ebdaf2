import { setTimeout as pause } from "node:timers/promises";
import { restoreMismatch } from "@waybill/core";
import type { ErasedEvent } from "@waybill/core";
import { askTogether } from "./append-group.ts";
import type { AppendAnswer, AppendRequest } from "./append-group.ts";
import type { Ask, Database } from "./database.ts";
import { payloadsOf, rowOf } from "./event-row.ts";
import { failureFrom, troubleOf } from "./failure.ts";

/** Appends the tombstone and empties what stands before it, in one transaction. */
export async function eraseStream(
  database: Database,
  request: AppendRequest,
): Promise<AppendAnswer> {
  const { stream } = request;
  return withoutCollision(database, async (ask) => {
    const [answer] = await askTogether([request], ({ text }, cells) => ask(text, cells));
    if (answer === undefined) throw new RangeError("The server left out an answer.");
    const version = await tombstoneVersion(ask, answer, request);
    if (version === null) return answer;
    const references = await ask(REFERENCES, [stream, version]);
    await ask(EMPTY, [stream, version]);
    if (references.length > 0) {
      const swept = references.map((row) => String(row["data"]));
      // An append that uses one of them just now holds its row: wait, and then look again.
      await ask(LOCK_PAYLOADS, [swept]);
      await ask(SWEEP, [swept]);
    }
    return answer;
  });
}

/** Puts events back into their empty places, all of them or none. */
export async function restoreStream(
  database: Database,
  stream: string,
  events: readonly ErasedEvent[],
): Promise<void> {
  const rows = events.map((event) => ({ ...rowOf(event), version: event.version }));
  const payloads = payloadsOf(rows);
  await withoutCollision(database, async (ask) => {
    const places = await ask(PLACES, [stream, rows.map(({ version }) => version)]);
    const ids = new Map(places.map((row) => [Number(row["version"]), row["id"]]));
    const strange = events.find(({ id, version }) => ids.get(version) !== id);
    if (strange !== undefined) throw restoreMismatch(stream, strange);
    if (payloads.length > 0) {
      const references = payloads.map(({ reference }) => reference);
      await ask(KEEP, [references, payloads.map(({ data }) => data)]);
    }
    await ask(FILL, [
      stream,
      rows.map(({ version }) => version),
      rows.map(({ type }) => type),
      rows.map(({ schema }) => schema),
      rows.map(({ recordedAt }) => recordedAt),
      rows.map(({ causation }) => causation),
      rows.map(({ mustUnderstand }) => mustUnderstand),
      rows.map(({ data }) => data),
    ]);
  });
}

/** Both are idempotent: what another transaction undid is done again. */
async function withoutCollision<T>(database: Database, body: (ask: Ask) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await database.transaction(body);
    } catch (error) {
      if (troubleOf(error) !== "collision") throw error;
      if (attempt === ATTEMPTS) throw failureFrom(error, database.place, true);
      await pause(Math.random() * 2 ** Math.min(attempt, 6));
    }
  }
}

/** The version of the tombstone that was written, now or before; null where it was not. */
async function tombstoneVersion(
  ask: Ask,
  answer: AppendAnswer,
  { stream, events }: AppendRequest,
): Promise<number | null> {
  if (answer.type === "stored") return answer.head + 1;
  if (answer.type !== "known") return null;
  const [row] = await ask(VERSION, [stream, events[0]?.id]);
  return row === undefined ? null : Number(row["version"]);
}

const IN_STREAM = `stream = $1 COLLATE "C"`;
const BEFORE = `${IN_STREAM} AND version < $2::int AND type <> ''`;
const VERSION = `SELECT version FROM events WHERE id = $2 COLLATE "C" AND ${IN_STREAM} AND type <> ''`;
const REFERENCES = `SELECT DISTINCT data FROM events WHERE ${BEFORE} AND left(data, 1) = '@'`;
const EMPTY = `UPDATE events SET type = '', data = '', schema = 0, recorded_at = 0, causation = NULL,
  must_understand = false WHERE ${BEFORE}`;
const LOCK_PAYLOADS = `SELECT FROM payloads WHERE reference = ANY ($1::text[] COLLATE "C")
  ORDER BY reference FOR UPDATE`;
const SWEEP = `DELETE FROM payloads p WHERE reference = ANY ($1::text[] COLLATE "C") AND NOT EXISTS
  (SELECT FROM events e WHERE left(e.data, 1) = '@' AND e.data COLLATE "C" = p.reference)`;
const PLACES = `SELECT version, id FROM events WHERE ${IN_STREAM} AND version = ANY ($2::int[])
  ORDER BY version FOR UPDATE`;
const KEEP = `INSERT INTO payloads (reference, data)
  SELECT p.reference, p.data FROM unnest($1::text[], $2::text[]) AS p (reference, data)
  ON CONFLICT (reference) DO UPDATE SET reference = excluded.reference`;
const FILL = `UPDATE events e SET type = f.type, schema = f.schema, recorded_at = f.recorded_at,
    causation = f.causation, must_understand = f.must_understand, data = f.data
  FROM unnest($2::int[], $3::text[], $4::bigint[], $5::float8[], $6::text[], $7::bool[], $8::text[])
    AS f (version, type, schema, recorded_at, causation, must_understand, data)
  WHERE e.stream = $1 COLLATE "C" AND e.version = f.version AND e.type = ''`;

const ATTEMPTS = 20;
