import { inTransaction, prepareRows } from "./database.ts";
import type { Database } from "./database.ts";
import { addCells } from "./event-cells.ts";
import { checksumOf, EVENT_COLUMNS, isErased } from "./event-row.ts";
import type { Cell } from "./group-cells.ts";
import type { LogIndex } from "./log-index.ts";
import type { AppendAnswer, AppendRequest } from "./messages.ts";
import type { Payloads } from "./payloads.ts";

/** Writes groups of appends. */
export interface Appends {
  /** The position of the last event. */
  readonly last: number;
  /**
   * All appends in one transaction and one sync of the disk. Throws only where none was written.
   *
   * @param after what else belongs into the transaction.
   */
  write(
    group: readonly AppendRequest[],
    after?: (answers: readonly AppendAnswer[]) => void,
  ): readonly AppendAnswer[];
}

/** @param last the position of the last event that the log has. */
export function openAppends(
  db: Database,
  path: string,
  { index, payloads }: { readonly index: LogIndex; readonly payloads: Payloads },
  last: number,
): Appends {
  const insert = db.prepare(
    `INSERT INTO events (${EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const select = prepareRows(db, `SELECT ${EVENT_COLUMNS} FROM events WHERE position = ?`);
  const findEpoch = db.prepare("SELECT epoch FROM leases WHERE name = ?");
  let end = last;

  return {
    get last() {
      return end;
    },
    write: (group, after = () => undefined) => {
      const before = end;
      try {
        return inTransaction(db, () => {
          index.look(group.flatMap(({ events }) => events.map(({ id }) => id)));
          const answers = group.map(append);
          after(answers);
          return answers;
        });
      } catch (error) {
        end = before;
        index.forget();
        throw error;
      }
    },
  };

  // Everything is looked at before anything is written: an append of a group never has to be undone.
  function append({ stream, expected, epoch, events }: AppendRequest): AppendAnswer {
    const known = events.map((event) => index.positionOf(event.id));
    if (known.some((position) => position !== null)) return repeat(stream, events, known);
    const claimed = epoch === null ? 0 : epochOf(stream);
    if (epoch !== null && claimed > epoch) return { type: "fenced", epoch: claimed };
    const actual = index.versionOf(stream);
    if (!isExpected(expected, actual)) return { type: "conflict", actual };
    const position = end + 1;
    for (const event of events) {
      end += 1;
      const version = actual + end - position + 1;
      const row = { ...event, data: payloads.keep(event.data) };
      const { id, type, schema, recordedAt, causation, mustUnderstand, data } = row;
      insert.run(
        end,
        stream,
        version,
        id,
        type,
        schema,
        recordedAt,
        causation,
        mustUnderstand ? 1 : 0,
        checksumOf(stream, version, row),
        data,
      );
      index.note(end, stream, version, id);
    }
    return { type: "stored", version: actual + 1, position };
  }

  /** The events of an append that is repeated; every id must be known, in this stream. */
  function repeat(
    stream: string,
    events: AppendRequest["events"],
    known: readonly (number | null)[],
  ): AppendAnswer {
    const stored = known.map((position) =>
      position === null ? null : (select.get(position) ?? null),
    );
    const strange = stored.findIndex(
      (row) => row !== null && (row[STREAM] !== stream || isErased(row)),
    );
    if (strange === -1 && !known.includes(null)) {
      const cells: Cell[] = [];
      for (const row of stored) addCells(cells, row ?? [], path, payloads);
      return { type: "repeated", cells };
    }
    const first = stored.findIndex((row) => row !== null);
    return { type: "reused", id: events[strange === -1 ? first : strange]?.id ?? "" };
  }

  function epochOf(stream: string): number {
    return Number(findEpoch.get(stream)?.["epoch"] ?? 0);
  }
}

// Its place in EVENT_COLUMNS.
const STREAM = 1;

function isExpected(expected: AppendRequest["expected"], actual: number): boolean {
  if (expected === "any") return true;
  if (expected === "exists") return actual > 0;
  return actual === (expected === "none" ? 0 : expected);
}
