import { checkCheckpoint } from "@waybill/core";
import type { CheckpointResult } from "@waybill/core";
import type { Database, Row } from "./database.ts";

/** What was set last under the name. */
export async function readCheckpoint(database: Database, name: string): Promise<string | null> {
  checkCheckpoint(name);
  return valueOf(await database.ask(FIND, [name]));
}

/** Compares and swaps in one statement, which may be asked again where its answer was lost. */
export async function swapCheckpoint(
  database: Database,
  name: string,
  value: string | null,
  expected: string | null,
): Promise<CheckpointResult> {
  checkCheckpoint(name, value, expected);
  const actual = valueOf(await database.ask(SWAP, [name, value, expected]));
  return actual === value ? { ok: true } : { ok: false, reason: "conflict", actual };
}

function valueOf([row]: readonly Row[]): string | null {
  const value = row?.["value"];
  return typeof value === "string" ? value : null;
}

const FIND = {
  name: "waybill-checkpoint",
  text: `SELECT value FROM checkpoints WHERE name = $1 COLLATE "C"`,
};

// A removed one, and one of which another value was expected, has a row without a value.
const SWAP = {
  name: "waybill-set-checkpoint",
  text: `INSERT INTO checkpoints AS c (name, value)
    VALUES ($1, CASE WHEN $3::text IS NULL THEN $2::text END)
    ON CONFLICT (name) DO UPDATE SET
      value = CASE WHEN c.value IS NOT DISTINCT FROM $3::text THEN $2::text ELSE c.value END
    RETURNING value`,
};
