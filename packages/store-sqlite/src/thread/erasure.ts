import type { Appends } from "./appends.ts";
import { inTransaction, prepareRows } from "./database.ts";
import type { Database } from "./database.ts";
import { checksumOf, erasedEvent } from "./event-row.ts";
import type { LogIndex } from "./log-index.ts";
import type { AppendAnswer, Calls, EventRow } from "./messages.ts";
import { isReference } from "./payloads.ts";
import type { Payloads } from "./payloads.ts";

/** Takes events out of the log and puts them back. */
export interface Erasure {
  erase(ask: Calls["erase"]["ask"]): AppendAnswer;
  /** The place in the list of the first event that does not fit; null where all are back. */
  restore(ask: Calls["restore"]["ask"]): number | null;
}

export function openErasure(
  db: Database,
  parts: { readonly appends: Appends; readonly index: LogIndex; readonly payloads: Payloads },
): Erasure {
  const { appends, index, payloads } = parts;
  const before = prepareRows(
    db,
    `SELECT events.position, events.version, events.id, events.data
     FROM by_stream CROSS JOIN events ON events.position = by_stream.position
     WHERE by_stream.stream = ? AND by_stream.version < ? AND events.type <> ''`,
  );
  const versionOf = db.prepare("SELECT version FROM events WHERE id = ? AND position = ?");
  const place = prepareRows(
    db,
    `SELECT events.position, events.id, events.type
     FROM by_stream CROSS JOIN events ON events.position = by_stream.position
     WHERE by_stream.stream = ? AND by_stream.version = ?`,
  );
  const change = db.prepare(
    `UPDATE events SET type = ?, schema = ?, recorded_at = ?, causation = ?, must_understand = ?,
       checksum = ?, data = ? WHERE position = ?`,
  );

  return {
    erase: (request) => {
      // So that every event of the stream is found by its version.
      index.catchUp();
      const [answer] = appends.write([request], ([said]) => {
        const version = said === undefined ? null : tombstoneVersion(said, request.events[0]?.id);
        if (version !== null) empty(request.stream, version);
      });
      if (answer === undefined) throw new RangeError("The erasure has no answer.");
      // What was taken out stands in the write-ahead log too, until that is emptied.
      db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      return answer;
    },
    restore: ({ stream, events }) => {
      index.catchUp();
      return inTransaction(db, () => {
        const rows = events.map(({ version }) => place.get(stream, version));
        const strange = rows.findIndex((row, at) => row?.[1] !== events[at]?.id);
        if (strange !== -1) return strange;
        for (const [at, event] of events.entries()) {
          const row = rows[at];
          if (row?.[2] === "") put(Number(row[0]), stream, event.version, event);
        }
        return null;
      });
    },
  };

  /** The version of the tombstone that was written, now or before; null where it was not. */
  function tombstoneVersion(answer: AppendAnswer, id: string | undefined): number | null {
    if (answer.type === "stored") return answer.version;
    if (answer.type !== "repeated" || id === undefined) return null;
    return Number(versionOf.get(id, index.positionOf(id))?.["version"] ?? 0);
  }

  function empty(stream: string, version: number): void {
    const references = new Set<string>();
    for (const [position, at, id, data] of [...before.iterate(stream, version)]) {
      if (isReference(String(data))) references.add(String(data));
      put(Number(position), stream, Number(at), erasedEvent(String(id)));
    }
    payloads.sweep(references);
  }

  function put(position: number, stream: string, version: number, event: EventRow): void {
    const row = { ...event, data: payloads.keep(event.data) };
    const { type, schema, recordedAt, causation, mustUnderstand, data } = row;
    const checksum = checksumOf(stream, version, row);
    change.run(
      type,
      schema,
      recordedAt,
      causation,
      mustUnderstand ? 1 : 0,
      checksum,
      data,
      position,
    );
  }
}
