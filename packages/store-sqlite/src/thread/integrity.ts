import { numberFrom, prepareRows, textFrom } from "./database.ts";
import type { Database } from "./database.ts";
import { EVENT_COLUMNS, verify } from "./event-row.ts";
import { corrupt } from "./failure.ts";
import type { IntegrityCheck } from "./messages.ts";
import { openPayloads } from "./payloads.ts";

/**
 * Throws `STORE_CORRUPT` with the first thing that is wrong. `quick` looks at the structure of every
 * page; `full` also at every event's checksum, at the large data, at the streams' versions, and at what the tables that
 * find events say.
 */
export function checkIntegrity(db: Database, path: string, check: IntegrityCheck): void {
  if (check === "none") return;
  const structure = textFrom(db.prepare("PRAGMA quick_check(1)").get());
  if (structure !== "ok") throw corrupt(path, structure.replaceAll("\n", " "));
  if (check === "quick") return;
  for (const row of prepareRows(db, `SELECT ${EVENT_COLUMNS} FROM events`).iterate())
    verify(row, path);
  const payloads = openPayloads(db, path);
  for (const [reference] of prepareRows(db, REFERENCES).iterate())
    payloads.whole(String(reference));
  for (const [question, finding] of questions) {
    if (numberFrom(db.prepare(`SELECT ${question}`).get()) !== 0) throw corrupt(path, finding);
  }
}

const REFERENCES = "SELECT DISTINCT data FROM events WHERE substr(data, 1, 1) = '@'";
const INDEXED = "(SELECT value FROM marks WHERE name = 'indexed')";

/** Each must be answered by 0. */
const questions: readonly (readonly [question: string, finding: string])[] = [
  [
    "(SELECT coalesce(max(position), 0) FROM events) - (SELECT count(*) FROM events)",
    "events are missing from the middle of the log",
  ],
  [`(SELECT count(*) FROM by_id) - ${INDEXED}`, "the table of event ids does not match the log"],
  [`(SELECT count(*) FROM by_stream) - ${INDEXED}`, "the table of streams does not match the log"],
  [
    "EXISTS (SELECT 1 FROM by_stream GROUP BY stream HAVING count(*) <> max(version))",
    "a stream has a gap in its versions",
  ],
];
