import { numberFrom, prepareRows } from "./database.ts";
import type { Database, Row } from "./database.ts";
import type { LogIndex } from "./log-index.ts";
import { addCells } from "./event-cells.ts";
import { EVENT_COLUMNS, isErased } from "./event-row.ts";
import type { Cell } from "./group-cells.ts";
import type { Calls, PageAnswer } from "./messages.ts";
import { openPayloads } from "./payloads.ts";

/** Reads the log in pages. */
export interface Pages {
  readStream(ask: Calls["readStream"]["ask"]): PageAnswer;
  readAll(ask: Calls["readAll"]["ask"]): PageAnswer;
  /** The position of the last event; 0 for none. */
  last(): number;
}

/** Gives a stream's events, of these versions, that `by_stream` does not have yet. */
export type ReadTail = (stream: string, from: number, to: number) => Iterable<Row>;

/** @param readTail looks at the end of the log: an owner remembers where to, a reader has to search. */
export function openPages(db: Database, path: string, readTail: ReadTail): Pages {
  const payloads = openPayloads(db, path);
  const last = db.prepare("SELECT coalesce(max(position), 0) AS last FROM events");
  const columns = EVENT_COLUMNS.split(", ")
    .map((name) => `events.${name}`)
    .join();
  const byStream = prepareRows(
    db,
    `SELECT ${columns} FROM by_stream CROSS JOIN events ON events.position = by_stream.position
     WHERE by_stream.stream = ? AND by_stream.version > ? AND by_stream.version <= ? AND events.type <> ''
     ORDER BY by_stream.version LIMIT ?`,
  );
  const range = prepareRows(
    db,
    `SELECT ${columns} FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?`,
  );
  const typed = prepareRows(
    db,
    `SELECT ${columns} FROM events WHERE position > ? AND position <= ?
     AND type IN (SELECT value FROM json_each(?)) ORDER BY position LIMIT ?`,
  );
  const add = (cells: Cell[], row: Row): number => addCells(cells, row, path, payloads);

  return {
    readStream: ({ stream, from, to }) => {
      // One transaction, or the index could catch up between the statements.
      db.exec("BEGIN");
      try {
        const page = new Page(add, VERSION, to);
        page.fill(from - 1, (after, limit) => byStream.all(stream, after, to, limit));
        if (!page.isFull) page.add(readTail(stream, from, to));
        return page.answer();
      } finally {
        if (db.isTransaction) db.exec("COMMIT");
      }
    },
    readAll: ({ after, through, types, erased }) => {
      // A rare type could keep the thread busy over the whole log: look through a part at a time.
      const end = Math.min(through, after + SCANNED);
      const wanted = types === null ? null : JSON.stringify(types);
      const page = new Page(add, POSITION, end, erased);
      page.fill(after, (from, limit) =>
        wanted === null ? range.all(from, end, limit) : typed.all(from, end, wanted, limit),
      );
      return page.answer();
    },
    last: () => numberFrom(last.get()),
  };
}

/** Searches the end of the log, for one who does not remember it. */
export function searchTail(db: Database): ReadTail {
  const indexed = db.prepare("SELECT value FROM marks WHERE name = 'indexed'");
  const search = prepareRows(
    db,
    `SELECT ${EVENT_COLUMNS} FROM events
     WHERE position > ? AND stream = ? AND version BETWEEN ? AND ? ORDER BY position`,
  );
  return (stream, from, to) => search.iterate(numberFrom(indexed.get()), stream, from, to);
}

/** Goes to the events that the owner's index remembers. */
export function rememberedTail(db: Database, index: LogIndex): ReadTail {
  const select = prepareRows(db, `SELECT ${EVENT_COLUMNS} FROM events WHERE position = ?`);
  return function* (stream, from, to) {
    for (const position of index.tailOf(stream, from, to)) yield select.get(position) ?? [];
  };
}

/** Takes events until there are enough of them or of their bytes. */
class Page {
  readonly #addRow: (cells: Cell[], row: Row) => number;
  readonly #counter: number;
  readonly #end: number;
  readonly #erased: boolean;
  readonly #cells: Cell[] = [];
  #events = 0;
  #length = 0;
  #through = 0;

  /**
   * @param counter the column that counts, up to `end`.
   * @param erased whether erased events are taken, too.
   */
  constructor(
    addRow: (cells: Cell[], row: Row) => number,
    counter: number,
    end: number,
    erased = false,
  ) {
    this.#addRow = addRow;
    this.#counter = counter;
    this.#end = end;
    this.#erased = erased;
  }

  get isFull(): boolean {
    return this.#events >= PAGE_EVENTS || this.#length >= PAGE_CHARACTERS;
  }

  /** Asks for rows after a place until it is full or there are no more. */
  fill(start: number, rowsAfter: (after: number, limit: number) => readonly Row[]): void {
    // A few at first: large events fill the page with these, and more would be read for nothing.
    let limit = FIRST_ROWS;
    for (let after = start; !this.isFull; limit = Math.min(limit * 2, MOST_ROWS)) {
      const rows = rowsAfter(after, limit);
      this.add(rows);
      if (rows.length < limit) return;
      after = Number(rows.at(-1)?.[this.#counter]);
    }
  }

  add(rows: Iterable<Row>): void {
    for (const row of rows) {
      if (!this.#erased && isErased(row)) continue;
      this.#length += this.#addRow(this.#cells, row);
      this.#events += 1;
      this.#through = Number(row[this.#counter]);
      if (this.isFull) return;
    }
  }

  answer(): PageAnswer {
    return { cells: this.#cells, through: this.isFull ? this.#through : this.#end };
  }
}

// Places in EVENT_COLUMNS.
const POSITION = 0;
const VERSION = 2;

const PAGE_EVENTS = 512;
const PAGE_CHARACTERS = 1_000_000;
const SCANNED = 20_000;
const FIRST_ROWS = 16;
const MOST_ROWS = 128;
