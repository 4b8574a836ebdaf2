import { crc32 } from "node:zlib";
import type { Row } from "./database.ts";
import { corrupt } from "./failure.ts";
import type { EventRow } from "./messages.ts";

/** The columns of an event, in the order in which the functions here take them. */
export const EVENT_COLUMNS =
  "position, stream, version, id, type, schema, recorded_at, causation, must_understand, checksum, data";

/**
 * The checksum of an event, over everything that is recorded of it but its position. SQLite notices
 * a page whose structure is damaged, but not one with some letters changed.
 */
export function checksumOf(stream: string, version: number, event: EventRow): number {
  const { id, type, schema, recordedAt, causation, mustUnderstand, data } = event;
  return crc32(
    `${stream}\n${version}\n${id}\n${type}\n${schema}\n${recordedAt}\n${causation ?? ""}\n${mustUnderstand ? 1 : 0}\n${data}`,
  );
}

/** Whether only the place and the id of an event are left. */
export function isErased(row: Row): boolean {
  return row[TYPE] === "";
}

// Its place in EVENT_COLUMNS.
const TYPE = 4;

/** What stands in the place of an erased event. */
export function erasedEvent(id: string): EventRow {
  return {
    id,
    type: "",
    data: "",
    schema: 0,
    recordedAt: 0,
    causation: null,
    mustUnderstand: false,
  };
}

/** The row again, with the types of its columns and its checksum proved. Throws `STORE_CORRUPT`. */
export function verify(row: Row, path: string): VerifiedRow {
  if (!hasTypes(row)) throw corrupt(path, `the event at position ${String(row[0])} is no event`);
  const [position, stream, version, id, type, schema, recordedAt, causation, must, checksum, data] =
    row;
  const mustUnderstand = must === 1;
  const event = { id, type, data, schema, recordedAt, causation, mustUnderstand };
  if (checksumOf(stream, version, event) === checksum) return row;
  throw corrupt(path, `the event at position ${position} does not match its checksum`);
}

/** A row of `EVENT_COLUMNS`. */
export type VerifiedRow = readonly [
  position: number,
  stream: string,
  version: number,
  id: string,
  type: string,
  schema: number,
  recordedAt: number,
  causation: string | null,
  mustUnderstand: unknown,
  checksum: unknown,
  data: string,
];

function hasTypes(row: Row): row is VerifiedRow {
  return (
    typeof row[0] === "number" &&
    typeof row[1] === "string" &&
    typeof row[2] === "number" &&
    typeof row[3] === "string" &&
    typeof row[4] === "string" &&
    typeof row[5] === "number" &&
    typeof row[6] === "number" &&
    (row[7] === null || typeof row[7] === "string") &&
    typeof row[10] === "string"
  );
}
