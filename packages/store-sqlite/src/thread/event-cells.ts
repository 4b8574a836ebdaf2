import type { StoredEvent } from "@waybill/core";
import type { Row } from "./database.ts";
import { verify } from "./event-row.ts";
import type { Cell } from "./group-cells.ts";
import type { Payloads } from "./payloads.ts";

/** Events as one flat list, on their way out of the thread. */
export type EventCells = readonly Cell[];

/**
 * Adds a row to the list, with large data in the place of its reference; an erased event has an
 * empty type. Throws `STORE_CORRUPT` where the checksum is wrong. The data stays text: the other side
 * parses it, and nothing else.
 *
 * @returns about how many characters were added.
 */
export function addCells(cells: Cell[], row: Row, path: string, payloads: Payloads): number {
  const [position, stream, version, id, type, schema, recordedAt, causation, must, , data] = verify(
    row,
    path,
  );
  const whole = data === "" ? "null" : payloads.whole(data);
  cells.push(position, stream, version, id, type);
  cells.push(schema, recordedAt, causation, must === 1, whole);
  return whole.length + ENVELOPE_CHARACTERS;
}

/** The events again. Only lists that `addCells` made come here, so the order of the cells is certain. */
export function eventsFrom(cells: EventCells): readonly StoredEvent[] {
  const events: StoredEvent[] = [];
  for (let at = 0; at < cells.length; at += CELLS) {
    events.push({
      id: cells[at + 3] as string,
      type: cells[at + 4] as string,
      schema: cells[at + 5] as number,
      recordedAt: cells[at + 6] as number,
      causation: cells[at + 7] as string | null,
      mustUnderstand: cells[at + 8] as boolean,
      stream: cells[at + 1] as string,
      version: cells[at + 2] as number,
      position: String(cells[at]),
      data: JSON.parse(cells[at + 9] as string),
    });
  }
  return events;
}

const CELLS = 10;
const ENVELOPE_CHARACTERS = 200;
