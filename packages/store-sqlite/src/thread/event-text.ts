import { crc32 } from "node:zlib";
import type { Row } from "./database.ts";
import { corrupt } from "./failure.ts";
import type { EventRow } from "./messages.ts";
import type { Payloads } from "./payloads.ts";

/** The columns of an event, in the order in which the functions here take them. */
export const EVENT_COLUMNS =
  "position, stream, version, id, type, schema, recorded_at, causation, must_understand, checksum, data";

/**
 * The checksum of an event, over everything that is recorded of it but its position. SQLite notices
 * a page whose structure is damaged, but not one with some letters changed.
 */
export function checksumOf(stream: string, version: number, event: EventRow): number {
  const envelope = `${stream}\n${version}\n${event.id}\n${event.type}\n${event.schema}\n${event.recordedAt}\n${event.causation ?? ""}\n${event.mustUnderstand ? 1 : 0}\n`;
  return crc32(event.data, crc32(envelope));
}

/**
 * The event as the JSON text of a `StoredEvent`, of an erased one with an empty type. Throws
 * `STORE_CORRUPT` where the checksum is wrong.
 */
export function eventText(row: Row, path: string, payloads: Payloads): string {
  const { position, stream, version, data, ...event } = verified(row, path);
  const envelope = JSON.stringify({ ...event, stream, version, position: String(position) });
  // The data is JSON already: parsing it here only to write it again would double the work.
  return `${envelope.slice(0, -1)},"data":${data === "" ? "null" : payloads.whole(data)}}`;
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

/** The event, with its types and its checksum proved. Throws `STORE_CORRUPT`. */
export function verified(row: Row, path: string): VerifiedEvent {
  const [position, stream, version, id, type, schema, recordedAt, causation, must, checksum, data] =
    row;
  if (
    typeof position !== "number" ||
    typeof stream !== "string" ||
    typeof version !== "number" ||
    typeof id !== "string" ||
    typeof type !== "string" ||
    typeof schema !== "number" ||
    typeof recordedAt !== "number" ||
    typeof data !== "string" ||
    !(causation === null || typeof causation === "string")
  ) {
    throw corrupt(path, `the event at position ${String(position)} is no event`);
  }
  const mustUnderstand = must === 1;
  const event = {
    position,
    stream,
    version,
    id,
    type,
    schema,
    recordedAt,
    causation,
    mustUnderstand,
    data,
  };
  if (checksumOf(stream, version, event) === checksum) return event;
  throw corrupt(path, `the event at position ${position} does not match its checksum`);
}

/** An event as it stands in the log. */
export interface VerifiedEvent extends EventRow {
  readonly position: number;
  readonly stream: string;
  readonly version: number;
}
