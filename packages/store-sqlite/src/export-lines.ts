import type { ExportedLine } from "./exported-line.ts";
import { readAll } from "./log-reading.ts";
import type { ReadableLog } from "./log-reading.ts";

/** The log as it is now, as lines of newline-delimited JSON, each with its line feed. */
export async function* exportLines(
  log: ReadableLog,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  let events = 0;
  let leases = 0;
  yield lineOf({ header: { format: 1, store: log.thread.opened.id } });
  for await (const page of readAll(log, signal === undefined ? {} : { signal })) {
    for (const { position: _, ...event } of page) yield lineOf({ event });
    events += page.length;
  }
  for (let after = ""; ;) {
    const epochs = await log.thread.call("epochs", { after });
    for (const lease of epochs) yield lineOf({ lease });
    leases += epochs.length;
    const last = epochs.at(-1);
    if (last === undefined) break;
    after = last.name;
  }
  yield lineOf({ end: { events, leases } });
}

function lineOf(line: ExportedLine): string {
  return `${JSON.stringify(line)}\n`;
}
