import type { StoredEvent } from "@waybill/core";
import type { Cells } from "./database.ts";

/**
 * The columns that the functions here read, in their order. Each column costs the process that reads
 * a tenth of a microsecond or more, a quarter of the parsing of a message. So the two numbers of a
 * place come as the one text that the port shows, and `mustUnderstand` is the sign of the schema,
 * which is 1 or more.
 *
 * @param data the expression that has the event's JSON.
 * @param stream the one that has its stream's name; `NULL` where who reads knows it.
 */
export function eventColumns(data: string, stream: string = "stream"): string {
  return `tx || '.' || position, version, id, type,
    CASE WHEN must_understand THEN schema ELSE -schema END, recorded_at, causation, ${data}, ${stream}`;
}

/** A place in the log: transactions in their order, events in theirs. Text, since both are 64 bits. */
export interface Place {
  readonly tx: string;
  readonly position: string;
}

/** The event of a row, which must not be an erased one. */
export function storedFrom(cells: Cells, stream: string = streamOf(cells)): StoredEvent {
  const schema = Number(cells[4]);
  const causation = cells[6];
  return {
    id: idOf(cells),
    type: String(cells[3]),
    schema: Math.abs(schema),
    recordedAt: Number(cells[5]),
    causation: causation === null ? null : String(causation),
    mustUnderstand: schema > 0,
    stream,
    version: versionOf(cells),
    position: String(cells[0]),
    data: JSON.parse(dataOf(cells)),
  };
}

/** The place of a row's event. */
export function placeOf(cells: Cells): Place {
  const place = parsePosition(String(cells[0]));
  if (place === null) throw new RangeError(`The server gave the place ${String(cells[0])}.`);
  return place;
}

/** The version of a row's event in its stream. */
export function versionOf(cells: Cells): number {
  return Number(cells[1]);
}

/** The id of a row's event. */
export function idOf(cells: Cells): string {
  return String(cells[2]);
}

/** Whether nothing but its place and its id is left of a row's event. */
export function isErased(cells: Cells): boolean {
  return cells[3] === "";
}

/** The JSON of a row's event. */
export function dataOf(cells: Cells): string {
  return String(cells[7]);
}

/** The stream of a row's event. */
export function streamOf(cells: Cells): string {
  return String(cells[8]);
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
