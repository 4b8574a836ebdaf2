import { WaybillError } from "../errors.ts";
import type { Instant, SessionId } from "../ids.ts";
import type { ErasedEvent, EventStore } from "../ports/event-store.ts";
import { isArchived, sessionRestored } from "./archived.ts";
import { readExportedLine } from "./exported-line.ts";

/**
 * Puts an archived session back into the store that it came from, and resolves with its id once it
 * is there as it was. It may be repeated. Throws `ARCHIVE_INVALID` for lines that are no whole
 * archive, `RESTORE_MISMATCH` for those of another store, and `SESSION_ERASED` for a session that was
 * not archived but erased for good.
 */
export async function restoreSession(options: {
  /** An open store. */
  readonly store: EventStore;
  /** The lines of the archive, with or without their line feeds. */
  readonly lines: AsyncIterable<string> | Iterable<string>;
  /** The time that the log says. */
  readonly now: Instant;
}): Promise<SessionId> {
  const { store, now } = options;
  const { session, events } = await readArchive(options.lines, store.id);
  const before = await standing(store, session);
  if (before.first === 1 && !before.archived) return session;
  if (before.first > 1 && !before.archived) throw erased(session);
  await store.restore(session, events);
  // Another who restores it at the same time says it under the same id, which is a repeat.
  const restored = sessionRestored(session, before.version, now);
  const result = await store.append(session, before.version, [restored]);
  if (result.ok || !(await standing(store, session)).archived) return session;
  throw invalid(`session ${session} was changed by another at the same time; try again`, 0);
}

/** What the stream reads as now: 0 for one without events. */
async function standing(
  store: EventStore,
  session: SessionId,
): Promise<{ readonly first: number; readonly version: number; readonly archived: boolean }> {
  let first = 0;
  let version = 0;
  let archived = false;
  for await (const page of store.read(session)) {
    if (first === 0) first = page[0]?.version ?? 0;
    version = page.at(-1)?.version ?? version;
    archived = page.reduce(isArchived, archived);
  }
  return { first, version, archived };
}

async function readArchive(
  lines: AsyncIterable<string> | Iterable<string>,
  store: string,
): Promise<{ readonly session: SessionId; readonly events: readonly ErasedEvent[] }> {
  const events: ErasedEvent[] = [];
  let session: SessionId | null = null;
  let number = 0;
  let ended = false;
  for await (const text of lines) {
    number += 1;
    const line = ended ? null : readExportedLine(text);
    if (line === null) throw invalid("it is no line of an archive, or not in its place", number);
    if (number === 1 && !("header" in line)) throw invalid("there is no header", number);
    if ("header" in line) {
      if (line.header.store !== store)
        throw invalid(
          `it was made of the store ${line.header.store}, and this is ${store}`,
          number,
        );
    } else if ("event" in line) {
      const { stream, ...event } = line.event;
      session ??= stream;
      if (stream !== session || event.version !== events.length + 1)
        throw invalid("it is not the next event of its session", number);
      events.push(event);
    } else if ("end" in line) {
      if (line.end.events !== events.length)
        throw invalid(
          `it counts ${line.end.events} events, but there were ${events.length}`,
          number,
        );
      ended = true;
    } else throw invalid("an archive has the events of one session alone", number);
  }
  if (session === null || !ended)
    throw invalid("its last line is missing, so it is not whole", number);
  return { session, events };
}

function invalid(reason: string, line: number): WaybillError {
  return new WaybillError(
    "ARCHIVE_INVALID",
    `The archive was not restored (line ${line}): ${reason}. Give all the lines that archiveSessions() gave to keep().`,
    { details: { line } },
  );
}

function erased(session: SessionId): WaybillError {
  return new WaybillError(
    "SESSION_ERASED",
    `Session ${session} was not restored: it was erased for good after its archive was made.`,
    { details: { session } },
  );
}
