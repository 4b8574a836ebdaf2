import type { CheckpointResult } from "@waybill/core";
import type { Database } from "./database.ts";
import type { Calls } from "./messages.ts";

/** Readers' places, kept with the log. */
export interface Checkpoints {
  get(ask: Calls["checkpoint"]["ask"]): string | null;
  set(ask: Calls["setCheckpoint"]["ask"]): CheckpointResult;
  /** All of them by name, in pages, after a name. */
  page(ask: { readonly after: string }): readonly Checkpoint[];
}

/** A checkpoint that is set. */
export interface Checkpoint {
  readonly name: string;
  readonly value: string;
}

export function openCheckpoints(db: Database): Checkpoints {
  const find = db.prepare("SELECT value FROM checkpoints WHERE name = ?");
  // A removed one, and one of which another value was expected, has a row without a value.
  const swap = db.prepare(
    `INSERT INTO checkpoints (name, value) VALUES (:name, iif(:expected IS NULL, :value, NULL))
     ON CONFLICT (name) DO UPDATE SET
       value = iif(checkpoints.value IS :expected, :value, checkpoints.value)
     RETURNING value`,
  );
  const page = db.prepare(
    "SELECT name, value FROM checkpoints WHERE name > ? AND value IS NOT NULL ORDER BY name LIMIT 1000",
  );
  return {
    get: ({ name }) => valueOf(find.get(name)),
    set: ({ name, value, expected }) => {
      const actual = valueOf(swap.get({ name, value, expected }));
      return actual === value ? { ok: true } : { ok: false, reason: "conflict", actual };
    },
    page: ({ after }) =>
      page.all(after).map((row) => ({ name: String(row["name"]), value: String(row["value"]) })),
  };
}

function valueOf(row: Readonly<Record<string, unknown>> | undefined): string | null {
  const value = row?.["value"];
  return typeof value === "string" ? value : null;
}
