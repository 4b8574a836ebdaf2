import { checkAppend, isWaybillError, readExportedLine, WaybillError } from "@waybill/core";
import type { ExportedEvent } from "@waybill/core";
import { link, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { openOwnerLog, rowOf } from "./owner-log.ts";
import type { OwnerLog } from "./owner-log.ts";
import { assertStorePath, prepareStorePath } from "./store-path.ts";
import type { Checkpoint } from "./thread/checkpoints.ts";
import { erasedEvent } from "./thread/event-row.ts";
import type { Calls, Epoch, EventRow } from "./thread/messages.ts";

/** What to import, and where to. */
export interface ImportLogOptions {
  /** The new store's file. It must not exist. */
  readonly path: string;
  /** The lines of an export, with or without their line feeds. */
  readonly lines: AsyncIterable<string> | Iterable<string>;
}

/** What was imported. */
export interface Imported {
  /** The store's id, which is the exported store's. */
  readonly id: string;
  readonly events: number;
}

/**
 * Makes a store out of an export. The file gets its name only once everything is in it and on the
 * disk. Throws `STORE_TARGET_EXISTS` where the file exists, and `IMPORT_INVALID`, with the line's
 * number, for lines that are no whole export.
 */
export async function importLog(options: ImportLogOptions): Promise<Imported> {
  assertStorePath(options.path);
  const path = await prepareStorePath(options.path);
  const unfinished = `${path}.${process.pid}.tmp`;
  const sides = ["", "-wal", "-shm", "-lock"].map((side) => unfinished + side);
  await removeAll(sides);
  try {
    const imported = await fill(unfinished, options.lines);
    // A link and not a rename, which would replace a store that came in between.
    await link(unfinished, path);
    await syncFolder(path);
    return imported;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST")
      throw targetExists(path, error);
    throw error;
  } finally {
    await removeAll(sides);
  }
}

async function fill(path: string, lines: ImportLogOptions["lines"]): Promise<Imported> {
  const log = await openOwnerLog(
    { path, role: "owner", durability: "full", check: "none", lockWaitMs: 0 },
    QUEUE_BYTES,
  );
  try {
    const { events, ...rest } = await readLines(lines, new ImportedEvents(log));
    await log.thread.call("adopt", rest);
    return { id: rest.id, events };
  } finally {
    await log.close();
  }
}

async function readLines(
  lines: ImportLogOptions["lines"],
  imported: ImportedEvents,
): Promise<Calls["adopt"]["ask"] & { readonly events: number }> {
  const epochs: Epoch[] = [];
  const checkpoints: Checkpoint[] = [];
  let store: string | null = null;
  let number = 0;
  let ended = false;
  for await (const text of lines) {
    number += 1;
    const line = ended ? null : readExportedLine(text);
    if (line === null || "header" in line !== (store === null))
      throw invalid(number, "it is no line of an export, or not in its place");
    if ("header" in line) store = line.header.store;
    else if ("event" in line) await imported.add(checkedEvent(line.event, number), number);
    else if ("erased" in line)
      await imported.add({ ...line.erased, row: erasedEvent(line.erased.id) }, number);
    else if ("lease" in line) epochs.push(line.lease);
    else if ("checkpoint" in line) checkpoints.push(line.checkpoint);
    else {
      const counted = [imported.count, epochs.length, checkpoints.length].join(", ");
      const said = [line.end.events, line.end.leases, line.end.checkpoints].join(", ");
      if (said !== counted)
        throw invalid(
          number,
          `it counts ${said} events, leases and checkpoints, but there were ${counted}`,
        );
      ended = true;
    }
  }
  await imported.settled();
  if (store === null || !ended)
    throw invalid(number, "the last line of the export is missing, so it is not whole");
  return { id: store, events: imported.count, epochs, checkpoints };
}

/** An event on its way into the log, at its version. */
interface PlacedRow {
  readonly stream: string;
  readonly version: number;
  readonly row: EventRow;
}

function checkedEvent(event: ExportedEvent, line: number): PlacedRow {
  const { stream, version } = event;
  try {
    checkAppend(stream, version - 1, [event]);
  } catch (cause) {
    throw invalid(line, cause instanceof Error ? cause.message : String(cause));
  }
  return { stream, version, row: rowOf(event) };
}

/** Appends events in their order, many at a time. */
class ImportedEvents {
  readonly #log: OwnerLog;
  readonly #underWay: Promise<void>[] = [];
  #batch: PlacedRow[] = [];
  #failure: WaybillError | null = null;
  count = 0;

  constructor(log: OwnerLog) {
    this.#log = log;
  }

  async add(event: PlacedRow, line: number): Promise<void> {
    const last = this.#batch.at(-1);
    const follows =
      last === undefined || (last.stream === event.stream && last.version + 1 === event.version);
    if (!follows || this.#batch.length === BATCH) this.#send(line - 1);
    this.#batch.push(event);
    this.count += 1;
    if (this.#underWay.length >= UNDER_WAY) await this.#underWay.shift();
    if (this.#failure !== null) throw this.#failure;
  }

  /** Resolves once everything is durable. */
  async settled(): Promise<void> {
    this.#send(this.count + 1);
    await Promise.all(this.#underWay);
    if (this.#failure !== null) throw this.#failure;
  }

  #send(line: number): void {
    const batch = this.#batch;
    this.#batch = [];
    if (batch.length > 0) this.#underWay.push(this.#append(batch, line));
  }

  async #append(batch: readonly PlacedRow[], line: number): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    const { stream, version } = first;
    const events = batch.map(({ row }) => row);
    try {
      const answer = await this.#log.write({ stream, expected: version - 1, epoch: null, events });
      if (answer.type === "stored") return;
      const reason =
        answer.type === "reused" || answer.type === "repeated"
          ? `an event of ${stream} has the id of another one`
          : `the events of ${stream} do not follow each other`;
      this.#failure ??= invalid(line, reason);
    } catch (cause) {
      this.#failure ??= isWaybillError(cause)
        ? cause
        : invalid(line, cause instanceof Error ? cause.message : String(cause));
    }
  }
}

async function removeAll(files: readonly string[]): Promise<void> {
  for (const file of files) await rm(file, { force: true });
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path));
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function invalid(line: number, reason: string): WaybillError {
  return new WaybillError(
    "IMPORT_INVALID",
    `The import stopped at line ${line}: ${reason}. Export the log again; nothing was made.`,
    { details: { line } },
  );
}

function targetExists(path: string, cause: Error): WaybillError {
  return new WaybillError(
    "STORE_TARGET_EXISTS",
    `The import was not kept: ${path} exists already. Choose another path.`,
    { details: { path }, cause },
  );
}

const BATCH = 256;
const UNDER_WAY = 16;
const QUEUE_BYTES = 1024 * 1024 * 1024;
