import { numberFrom, prepareRows } from "./database.ts";
import type { Database, Row } from "./database.ts";
import type { LogIndex } from "./log-index.ts";
import { EVENT_COLUMNS, eventText, isErased } from "./event-text.ts";
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
     WHERE by_stream.stream = ? AND by_stream.version BETWEEN ? AND ? AND events.type <> '' ORDER BY by_stream.version`,
  );
  const range = prepareRows(
    db,
    `SELECT ${columns} FROM events WHERE position > ? AND position <= ? ORDER BY position`,
  );
  const typed = prepareRows(
    db,
    `SELECT ${columns} FROM events WHERE position > ? AND position <= ?
     AND type IN (SELECT value FROM json_each(?)) ORDER BY position`,
  );

  return {
    readStream: ({ stream, from, to }) => {
      // One transaction, or the index could catch up between the two statements.
      db.exec("BEGIN");
      try {
        const page = new Page((row) => eventText(row, path, payloads), VERSION, to);
        page.fill(byStream.iterate(stream, from, to));
        if (!page.isFull) page.fill(notErased(readTail(stream, from, to)));
        return page.answer();
      } finally {
        if (db.isTransaction) db.exec("COMMIT");
      }
    },
    readAll: ({ after, through, types, erased }) => {
      // A rare type could keep the thread busy over the whole log: look through a part at a time.
      const end = Math.min(through, after + SCANNED);
      const page = new Page((row) => eventText(row, path, payloads), POSITION, end);
      const rows =
        types === null
          ? range.iterate(after, end)
          : typed.iterate(after, end, JSON.stringify(types));
      page.fill(erased ? rows : notErased(rows));
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

/** An erased event keeps its place and has nothing to say. */
function* notErased(rows: Iterable<Row>): Iterable<Row> {
  for (const row of rows) if (!isErased(row)) yield row;
}

/** Takes events until there are enough of them or of their bytes. */
class Page {
  readonly #textOf: (row: Row) => string;
  readonly #counter: number;
  readonly #end: number;
  readonly #texts: string[] = [];
  #length = 0;
  #through = 0;

  /** @param counter the column that counts, up to `end`. */
  constructor(textOf: (row: Row) => string, counter: number, end: number) {
    this.#textOf = textOf;
    this.#counter = counter;
    this.#end = end;
  }

  get isFull(): boolean {
    return this.#texts.length >= PAGE_EVENTS || this.#length >= PAGE_CHARACTERS;
  }

  fill(rows: Iterable<Row>): void {
    for (const row of rows) {
      const text = this.#textOf(row);
      this.#texts.push(text);
      this.#length += text.length;
      this.#through = Number(row[this.#counter]);
      if (this.isFull) return;
    }
  }

  answer(): PageAnswer {
    return {
      json: `[${this.#texts.join()}]`,
      count: this.#texts.length,
      through: this.isFull ? this.#through : this.#end,
    };
  }
}

// Places in EVENT_COLUMNS.
const POSITION = 0;
const VERSION = 2;

const PAGE_EVENTS = 512;
const PAGE_CHARACTERS = 1_000_000;
const SCANNED = 20_000;
