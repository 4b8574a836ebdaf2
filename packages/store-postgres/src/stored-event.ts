import type { StoredEvent } from "@waybill/core";
import type { Row } from "./database.ts";

/** The columns that `storedFrom` reads, with large data in the place of its reference. */
export function eventColumns(table: string): string {
  return `tx, position, stream, version, id, type, schema, recorded_at, causation, must_understand,
    CASE WHEN left(data, 1) = '@'
      THEN (SELECT p.data FROM payloads p WHERE p.reference = ${table}.data COLLATE "C")
      ELSE data END AS data`;
}

/** A place in the log: transactions in their order, events in theirs. Text, since both are 64 bits. */
export interface Place {
  readonly tx: string;
  readonly position: string;
}

/** The event of a row, which must not be an erased one. */
export function storedFrom(row: Row): StoredEvent {
  return {
    id: String(row["id"]),
    type: String(row["type"]),
    schema: Number(row["schema"]),
    recordedAt: Number(row["recorded_at"]),
    causation: row["causation"] === null ? null : String(row["causation"]),
    mustUnderstand: row["must_understand"] === true,
    stream: String(row["stream"]),
    version: Number(row["version"]),
    position: positionOf(placeFrom(row)),
    data: JSON.parse(String(row["data"])),
  };
}

/** The place of a row. */
export function placeFrom(row: Row): Place {
  return { tx: String(row["tx"]), position: String(row["position"]) };
}

/** The place as the port shows it. */
export function positionOf({ tx, position }: Place): string {
  return `${tx}.${position}`;
}

/** The place that `positionOf` wrote; null for anything else. */
export function parsePosition(text: string): Place | null {
  const [, tx, position] = /^(\d{1,18})\.(\d{1,18})$/u.exec(text) ?? [];
  return tx === undefined || position === undefined ? null : { tx, position };
}

/** Whether the first place comes before the second. */
export function isBefore(one: Place, other: Place): boolean {
  const byTx = BigInt(one.tx) - BigInt(other.tx);
  return byTx < 0n || (byTx === 0n && BigInt(one.position) < BigInt(other.position));
}
