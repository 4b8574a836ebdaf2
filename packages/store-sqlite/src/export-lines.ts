import { lineOf } from "@waybill/core";
import { readAll } from "./log-reading.ts";
import type { ReadableLog } from "./log-reading.ts";

/** The log as it is now, as lines of newline-delimited JSON, each with its line feed. */
export async function* exportLines(
  log: ReadableLog,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  let events = 0;
  let leases = 0;
  let checkpoints = 0;
  yield lineOf({ header: { format: 1, store: log.thread.opened.id } });
  for await (const page of readAll(log, {
    erased: true,
    ...(signal === undefined ? {} : { signal }),
  })) {
    for (const { position: _, ...event } of page) {
      const { id, stream, version, type } = event;
      yield lineOf(type === "" ? { erased: { id, stream, version } } : { event });
    }
    events += page.length;
  }
  for await (const page of byName((after) => log.thread.call("epochs", { after }))) {
    for (const lease of page) yield lineOf({ lease });
    leases += page.length;
  }
  for await (const page of byName((after) => log.thread.call("checkpoints", { after }))) {
    for (const checkpoint of page) yield lineOf({ checkpoint });
    checkpoints += page.length;
  }
  yield lineOf({ end: { events, leases, checkpoints } });
}

async function* byName<T extends { readonly name: string }>(
  ask: (after: string) => Promise<readonly T[]>,
): AsyncGenerator<readonly T[]> {
  for (let after: string | undefined = ""; after !== undefined;) {
    const page: readonly T[] = await ask(after);
    yield page;
    after = page.at(-1)?.name;
  }
}
