import { inTransaction, numberFrom } from "./database.ts";
import type { Database } from "./database.ts";
import { idHash } from "./id-hash.ts";

/** Finds an event by its id and a stream by its name, over the whole log. */
export interface LogIndex {
  /** Finds these ids in the tables, all at once. */
  look(ids: readonly string[]): void;
  /** The position of the event with this id, which was looked for before; null where there is none. */
  positionOf(id: string): number | null;
  /** The stream's version; 0 where there is no such stream. */
  versionOf(stream: string): number;
  /** The positions of a stream's events that the tables do not have yet, of these versions. */
  tailOf(stream: string, from: number, to: number): readonly number[];
  /** Notes an event that was just written, before its transaction ends. */
  note(position: number, stream: string, version: number, id: string): void;
  /** Forgets what was noted, since its transaction was undone. */
  forget(): void;
  /** How many events at the end of the log are in memory alone. */
  readonly behind: number;
  /** Brings the tables up to the end of the log. */
  catchUp(): void;
}

/**
 * Ids are random and streams are many, so that each event would change two pages of the tables
 * somewhere in the middle, and a group of 32 would write 70 pages instead of 5. Therefore the tables
 * follow the log at a distance, many events at a time. The events in between are kept in memory, and
 * a crash costs nothing but reading them again: the log alone is the truth.
 */
export function openLogIndex(db: Database): LogIndex {
  const findIds = db.prepare(
    `SELECT events.id, events.position FROM by_id CROSS JOIN events ON events.position = by_id.position
     WHERE by_id.hash IN (SELECT value FROM json_each(?))`,
  );
  const findVersion = db.prepare(
    "SELECT coalesce(max(version), 0) AS version FROM by_stream WHERE stream = ?",
  );
  const indexed = db.prepare("SELECT value FROM marks WHERE name = 'indexed'");
  const tail = db.prepare(
    "SELECT position, stream, version, id FROM events WHERE position > ? ORDER BY position",
  );
  const addIds = db.prepare(
    "INSERT INTO by_id SELECT value ->> 0 AS hash, value ->> 1 FROM json_each(?) ORDER BY hash",
  );
  const addStreams = db.prepare(
    "INSERT INTO by_stream SELECT stream, version, position FROM events WHERE position > ? ORDER BY stream, version",
  );
  const mark = db.prepare(
    "UPDATE marks SET value = (SELECT coalesce(max(position), 0) FROM events) WHERE name = 'indexed'",
  );

  const ids = new Map<string, number>();
  const versions = new Map<string, number>();
  const found = new Map<string, number>();
  const tails = new Map<string, number[]>();
  let isKnown = false;

  return {
    look: (wanted) => {
      readTail();
      found.clear();
      for (const { id, position } of findIds.iterate(JSON.stringify(wanted.map(idHash)))) {
        found.set(String(id), Number(position));
      }
    },
    positionOf: (id) => ids.get(id) ?? found.get(id) ?? null,
    versionOf: (stream) => {
      const known = versions.get(stream);
      if (known !== undefined) return known;
      const version = numberFrom(findVersion.get(stream));
      versions.set(stream, version);
      return version;
    },
    tailOf: (stream, from, to) => {
      readTail();
      const positions = tails.get(stream) ?? [];
      const first = (versions.get(stream) ?? 0) - positions.length + 1;
      return positions.slice(Math.max(from - first, 0), Math.max(to - first + 1, 0));
    },
    note,
    forget: () => {
      isKnown = false;
    },
    get behind() {
      return ids.size;
    },
    catchUp: () => {
      readTail();
      if (ids.size === 0) return;
      inTransaction(db, () => {
        const from = numberFrom(indexed.get());
        addIds.run(JSON.stringify(Array.from(ids, ([id, position]) => [idHash(id), position])));
        addStreams.run(from);
        mark.run();
      });
      ids.clear();
      tails.clear();
      if (versions.size > REMEMBERED_STREAMS) versions.clear();
    },
  };

  /** Reads what stands behind the tables; a failure leaves it to the next call. */
  function readTail(): void {
    if (isKnown) return;
    ids.clear();
    tails.clear();
    versions.clear();
    for (const { position, stream, version, id } of tail.iterate(numberFrom(indexed.get()))) {
      note(Number(position), String(stream), Number(version), String(id));
    }
    isKnown = true;
  }

  function note(position: number, stream: string, version: number, id: string): void {
    ids.set(id, position);
    versions.set(stream, version);
    const positions = tails.get(stream);
    if (positions === undefined) tails.set(stream, [position]);
    else positions.push(position);
  }
}

const REMEMBERED_STREAMS = 20_000;
