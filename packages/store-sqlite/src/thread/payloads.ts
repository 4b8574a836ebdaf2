import { createHash } from "node:crypto";
import type { Database } from "./database.ts";
import { corrupt } from "./failure.ts";

/** Large data, each kept once, by its hash. An event has a reference in its place. */
export interface Payloads {
  /** What stands in the event: the data itself, or the reference to where it is kept from now on. */
  keep(data: string): string;
  /** The data again. Throws `STORE_CORRUPT` where it is not there, or is not what it was. */
  whole(data: string): string;
  /** Removes what no event refers to any more. */
  sweep(references: Iterable<string>): void;
}

export function openPayloads(db: Database, path: string): Payloads {
  const insert = db.prepare(
    "INSERT INTO payloads (reference, data) VALUES (?, ?) ON CONFLICT DO NOTHING",
  );
  const find = db.prepare("SELECT data FROM payloads WHERE reference = ?");
  const remove = db.prepare(
    `DELETE FROM payloads WHERE reference = :reference AND NOT EXISTS
       (SELECT 1 FROM events WHERE substr(data, 1, 1) = '@' AND data = :reference)`,
  );
  return {
    keep: (data) => {
      if (!isLarge(data)) return data;
      const reference = referenceOf(data);
      insert.run(reference, data);
      return reference;
    },
    whole: (data) => {
      if (!isReference(data)) return data;
      const kept = find.get(data)?.["data"];
      if (typeof kept === "string" && referenceOf(kept) === data) return kept;
      const finding = kept === undefined ? "is missing" : "does not match its hash";
      throw corrupt(path, `the large data ${data} ${finding}`);
    },
    sweep: (references) => {
      for (const reference of references) remove.run({ reference });
    },
  };
}

/** Whether an event's data says where the data is. No JSON begins like this. */
export function isReference(data: string): boolean {
  return data.startsWith("@");
}

function referenceOf(data: string): string {
  return `@sha256:${createHash("sha256").update(data).digest("hex")}`;
}

// A code unit takes three bytes at most, so that most texts need not be measured.
function isLarge(data: string): boolean {
  return data.length * 3 > LARGE_BYTES && Buffer.byteLength(data) > LARGE_BYTES;
}

const LARGE_BYTES = 65_536;
