import { checkAppend, checkRestore, eventIdReused } from "@waybill/core";
import type { AppendResult, ErasedEvent, ExpectedVersion, Logger, NewEvent } from "@waybill/core";
import { appendGroup } from "./append-group.ts";
import type { AppendAnswer, AppendRequest } from "./append-group.ts";
import { AppendQueue } from "./append-queue.ts";
import { Database } from "./database.ts";
import type { DatabaseOptions } from "./database.ts";
import { eraseStream, restoreStream } from "./erasure.ts";
import { rowOf } from "./event-row.ts";
import { storeClosed } from "./failure.ts";
import { Hints } from "./hints.ts";
import { databaseLeases } from "./leases.ts";
import type { Leases } from "./leases.ts";
import type { ReadableLog } from "./log-reading.ts";
import { migrate } from "./migrations.ts";
import { checkServer } from "./server-check.ts";
import { eventColumns, idOf, isErased, positionOf, storedFrom, streamOf } from "./stored-event.ts";
import { WakeUp } from "./wake-up.ts";

/** How a log is opened. */
export interface LogOptions extends DatabaseOptions {
  readonly leaseMs: number;
  readonly pollMs: number;
  readonly logger: Logger | undefined;
}

/** Connects, checks the server, brings the schema up to date and begins to listen. */
export async function openLog(options: LogOptions): Promise<OpenLog> {
  const database = new Database(options);
  try {
    await checkServer(database);
    const id = await migrate(database, options.schema);
    const log = new OpenLog(id, database, options);
    await log.hints.open();
    return log;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The log of a store from one `open()` to the next `close()`. */
export class OpenLog implements ReadableLog {
  readonly id: string;
  readonly database: Database;
  readonly grown: WakeUp = new WakeUp();
  readonly hints: Hints;
  readonly leases: Leases;
  readonly pollMs: number;
  readonly patienceMs: number;
  readonly #queue: AppendQueue;
  #closed = false;

  constructor(id: string, database: Database, options: LogOptions) {
    const { schema, leaseMs, pollMs, poolSize, statementTimeoutMs, logger } = options;
    this.id = id;
    this.database = database;
    this.pollMs = pollMs;
    this.patienceMs = statementTimeoutMs;
    this.hints = new Hints({ database, schema, grown: this.grown, logger });
    this.leases = databaseLeases(database, crypto.randomUUID(), leaseMs);
    this.#queue = new AppendQueue({
      lanes: Math.min(LANES, poolSize),
      write: (group) => this.#write(group),
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  async append(
    stream: string,
    expected: ExpectedVersion,
    events: readonly NewEvent[],
    fence: { readonly epoch: number } | undefined,
  ): Promise<AppendResult> {
    const answer = await this.#queue.push(this.#request(stream, expected, events, fence));
    return this.#resultOf(answer, stream, events);
  }

  async erase(
    stream: string,
    expected: number,
    tombstone: NewEvent,
    fence: { readonly epoch: number } | undefined,
  ): Promise<AppendResult> {
    const request = this.#request(stream, expected, [tombstone], fence);
    const answer = await eraseStream(this.database, request);
    if (answer.type === "stored") this.hints.appended();
    return this.#resultOf(answer, stream, [tombstone]);
  }

  async restore(stream: string, events: readonly ErasedEvent[]): Promise<void> {
    if (this.#closed) throw storeClosed();
    checkRestore(stream, events);
    await restoreStream(this.database, stream, events);
  }

  /** Waits for what is queued, then closes; everything asked from now on is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    this.grown.wake();
    // An idle connection keeps no process alive, and this one is to live until it is done.
    const hold = setInterval(() => undefined, 60_000);
    try {
      await this.#queue.drained();
      await this.hints.close();
      await this.database.close();
    } finally {
      clearInterval(hold);
    }
  }

  #request(
    stream: string,
    expected: ExpectedVersion,
    events: readonly NewEvent[],
    fence: { readonly epoch: number } | undefined,
  ): AppendRequest {
    if (this.#closed) throw storeClosed();
    checkAppend(stream, expected, events);
    return { stream, expected, epoch: fence?.epoch ?? null, events: events.map(rowOf) };
  }

  async #write(group: readonly AppendRequest[]): Promise<readonly AppendAnswer[]> {
    const answers = await appendGroup(this.database, group);
    if (answers.some(({ type }) => type === "stored")) this.hints.appended();
    return answers;
  }

  async #resultOf(
    answer: AppendAnswer,
    stream: string,
    events: readonly NewEvent[],
  ): Promise<AppendResult> {
    switch (answer.type) {
      case "stored": {
        const { head, tx, positions } = answer;
        const stored = events.map((event, index) => {
          const position = positionOf({ tx, position: positions[index] ?? "" });
          return { ...copyOf(event), stream, version: head + index + 1, position };
        });
        return { ok: true, version: head + events.length, events: stored, repeated: false };
      }
      case "known":
        return this.#repeated(stream, events);
      case "conflict":
        return { ok: false, reason: "conflict", actual: answer.actual };
      case "fenced":
        return { ok: false, reason: "fenced", epoch: answer.epoch };
      case "failed":
        throw answer.error;
    }
  }

  /** The events as they were stored the first time. */
  async #repeated(stream: string, events: readonly NewEvent[]): Promise<AppendResult> {
    const rows = await this.database.askCells(KNOWN, [events.map(({ id }) => id)]);
    const stranger = rows.find((row) => streamOf(row) !== stream || isErased(row));
    if (stranger !== undefined || rows.length < events.length) {
      throw eventIdReused(idOf(stranger ?? rows[0] ?? []), stream);
    }
    const known = new Map(rows.map((row) => [idOf(row), storedFrom(row)]));
    const stored = events.flatMap(({ id }) => known.get(id) ?? []);
    // Not the stream's version of today: the caller does not know what others appended since.
    const version = Math.max(...stored.map((event) => event.version));
    return { ok: true, version, events: stored, repeated: true };
  }
}

function copyOf(event: NewEvent): NewEvent {
  const { id, type, data, schema, recordedAt, causation, mustUnderstand } = event;
  return { id, type, data, schema, recordedAt, causation, mustUnderstand };
}

const LANES = 4;

const KNOWN = {
  name: "waybill-known",
  text: `SELECT ${eventColumns(`CASE WHEN left(data, 1) = '@'
      THEN (SELECT p.data FROM payloads p WHERE p.reference = events.data COLLATE "C")
      ELSE data END`)}
    FROM unnest($1::text[]) AS asked (asked_id) JOIN events ON id = asked_id COLLATE "C"`,
};
