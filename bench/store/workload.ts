import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import type { EventStore, NewEvent } from "@waybill/core";
import { median } from "../bench-line.ts";

/** What a while of appending gave. */
export interface Pace {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** An event of the size of a chat message, with a random id as the runtime makes them. */
export function messageEvent(): NewEvent {
  return {
    id: crypto.randomUUID(),
    type: "MessageQueued",
    data: { text: "x".repeat(400) },
    schema: 1,
    recordedAt: Date.now(),
    causation: "Send",
    mustUnderstand: true,
  };
}

/** So many clients, each with a stream of its own and one append under way at a time. */
export async function appendFor(
  store: EventStore,
  clients: number,
  durationMs: number,
): Promise<Pace> {
  const times: number[] = [];
  const begun = performance.now();
  const run = crypto.randomUUID();
  const client = async (number: number): Promise<void> => {
    for (let version = 0; performance.now() < begun + durationMs; version += 1) {
      const asked = performance.now();
      const result = await store.append(`session-${number}-${run}`, version, [messageEvent()]);
      if (!result.ok) throw new Error(`An append was refused: ${result.reason}`);
      times.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return paceOf(times, performance.now() - begun);
}

/** The baseline: the same bytes written to a plain file, each write synced before the next. */
export function writeRawFor(path: string, durationMs: number): Pace {
  const file = openSync(path, "a");
  const times: number[] = [];
  const begun = performance.now();
  while (performance.now() < begun + durationMs) {
    const bytes = Buffer.from(JSON.stringify(messageEvent()));
    const asked = performance.now();
    writeSync(file, bytes);
    fdatasyncSync(file);
    times.push(performance.now() - asked);
  }
  closeSync(file);
  return paceOf(times, performance.now() - begun);
}

function paceOf(times: readonly number[], tookMs: number): Pace {
  const p99Ms = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
  return { perSecond: (times.length / tookMs) * 1000, p50Ms: median(times), p99Ms };
}
