import { checkCheckpoint, WaybillError } from "@waybill/core";
import type { ReadAllOptions, ReadOptions, StoredEvent } from "@waybill/core";
import type { StoreThread } from "./store-thread.ts";
import { eventsFrom } from "./thread/event-cells.ts";
import type { PageAnswer } from "./thread/messages.ts";

/** An open log, as a reader of it needs it. */
export interface ReadableLog {
  readonly path: string;
  readonly thread: StoreThread;
  /** The position of the last event that is durable; 0 for none. */
  last(): Promise<number> | number;
  /** Resolves when there may be events after the position, when the signal aborts or the log is closed. */
  grown(after: number, signal: AbortSignal | undefined): Promise<void>;
}

/** One stream, in pages. */
export async function* readStream(
  log: ReadableLog,
  stream: string,
  options: ReadOptions,
): AsyncGenerator<readonly StoredEvent[]> {
  const from = Math.max(options.from ?? 1, 1);
  const to = options.to ?? Number.MAX_SAFE_INTEGER;
  yield* inPages(from - 1, to, (after) =>
    log.thread.call("readStream", { stream, from: after + 1, to }),
  );
}

/** The whole log up to what is durable now, in pages. An abort is an error, since a part is not all. */
export async function* readAll(
  log: ReadableLog,
  options: ReadAllOptions & { readonly erased?: boolean },
): AsyncGenerator<readonly StoredEvent[]> {
  const { signal, types = null, erased = false } = options;
  signal?.throwIfAborted();
  const through = await log.last();
  const start = startAfter(options.after, through);
  const pages = inPages(start, through, (after) =>
    log.thread.call("readAll", { after, through, types, erased }),
  );
  for await (const page of pages) {
    signal?.throwIfAborted();
    yield page;
  }
  signal?.throwIfAborted();
}

/** The whole log, then what is appended, until the signal aborts. */
export async function* follow(
  log: ReadableLog,
  options: ReadAllOptions,
): AsyncGenerator<readonly StoredEvent[]> {
  const { signal, types = null } = options;
  if (isAborted(signal)) return;
  const release = log.thread.hold();
  try {
    let after = startAfter(options.after, await log.last());
    while (!isAborted(signal)) {
      await log.grown(after, signal);
      if (isAborted(signal)) return;
      const through = await log.last();
      const page = await log.thread.call("readAll", { after, through, types, erased: false });
      after = page.through;
      if (page.cells.length > 0) yield eventsFrom(page.cells);
    }
  } finally {
    release();
  }
}

/** What was set last under the name. */
export async function readCheckpoint(log: ReadableLog, name: string): Promise<string | null> {
  checkCheckpoint(name);
  return log.thread.call("checkpoint", { name });
}

/** Asks for the next page while the present one is in use. */
async function* inPages(
  start: number,
  end: number,
  ask: (after: number) => Promise<PageAnswer>,
): AsyncGenerator<readonly StoredEvent[]> {
  let asked = start < end ? ask(start) : null;
  while (asked !== null) {
    const { cells, through } = await asked;
    asked = through < end ? ask(through) : null;
    // A failure is met when its page is due; whoever stops before that does not need to know.
    asked?.catch(() => null);
    if (cells.length > 0) yield eventsFrom(cells);
  }
}

/** As a call, since TypeScript takes an earlier look at the signal for a lasting fact. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function startAfter(after: string | undefined, last: number): number {
  if (after === undefined) return 0;
  const position = /^\d{1,15}$/.test(after) ? Number(after) : Number.NaN;
  if (position <= last) return position;
  throw new WaybillError(
    "POSITION_UNKNOWN",
    `The position ${after} was never given by this store, which ends at ${last}. Read again from the beginning: it may have been put back from a backup.`,
    { details: { after, last: String(last) } },
  );
}
