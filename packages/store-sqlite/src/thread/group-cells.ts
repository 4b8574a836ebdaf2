import type { AppendRequest, EventRow } from "./messages.ts";

/** A group of appends as one flat list. */
export type GroupCells = readonly Cell[];
/** What stands in the list: names, numbers and texts, one after another. */
export type Cell = string | number | boolean | null;

/**
 * Lays a group out flat for its way to the thread: copying objects between threads costs three times
 * as much as copying the same values in one list, and the event loop pays for it.
 */
export function cellsOf(group: readonly AppendRequest[]): GroupCells {
  const cells: Cell[] = [];
  for (const { stream, expected, epoch, events } of group) {
    cells.push(stream, expected, epoch, events.length);
    for (const { id, type, data, schema, recordedAt, causation, mustUnderstand } of events) {
      cells.push(id, type, data, schema, recordedAt, causation, mustUnderstand);
    }
  }
  return cells;
}

/** The group again. Only lists that `cellsOf` made come here, so the order of the cells is certain. */
export function groupFrom(cells: GroupCells): readonly AppendRequest[] {
  const group: AppendRequest[] = [];
  for (let at = 0; at < cells.length;) {
    const [stream, expected, epoch, count] = cells.slice(at, at + 4) as [
      string,
      AppendRequest["expected"],
      number | null,
      number,
    ];
    at += 4;
    const events: EventRow[] = [];
    for (const end = at + count * 7; at < end; at += 7) {
      const [id, type, data, schema, recordedAt, causation, mustUnderstand] = cells.slice(
        at,
        at + 7,
      ) as EventCells;
      events.push({ id, type, data, schema, recordedAt, causation, mustUnderstand });
    }
    group.push({ stream, expected, epoch, events });
  }
  return group;
}

type EventCells = [string, string, string, number, number, string | null, boolean];
