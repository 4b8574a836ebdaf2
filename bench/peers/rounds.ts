import type { Round } from "../bench-line.ts";
import { collectNew } from "../core/memory-in-use.ts";
import type { PeerStore } from "./peer-store.ts";

/**
 * The same work by ours and by the peer, in turns, so that a busy moment meets both. Each begins
 * without the other's garbage, or it would be paid for by whoever comes next; and the first round
 * is for the compiler.
 */
export async function inTurns(
  rounds: number,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<readonly Round[]> {
  const measured: Round[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    collectNew();
    const value = await ours();
    collectNew();
    measured.push({ value, baseline: await theirs() });
  }
  return measured.slice(1);
}

/**
 * Appends that were made durable in a second, by so many clients, each with a stream of its own and
 * one append under way. A store that refuses for being busy has not made it: the client begins another stream.
 */
export async function appendsPerSecond(
  store: PeerStore,
  clients: number,
  durationMs: number,
): Promise<number> {
  const run = crypto.randomUUID();
  const begun = performance.now();
  let done = 0;
  const client = async (number: number): Promise<void> => {
    let life = 0;
    for (let version = 0; performance.now() < begun + durationMs;) {
      if (await appended(store, `session-${number}-${life}-${run}`, version, 1)) {
        version += 1;
        done += 1;
      } else {
        life += 1;
        version = 0;
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return (done / (performance.now() - begun)) * 1000;
}

/** Makes a stream to be read again and again; gives its name. */
export async function fillStream(store: PeerStore, events: number): Promise<string> {
  for (let life = 0; ; life += 1) {
    let version = 0;
    while (version < events && (await appended(store, `long-${life}`, version, BATCH)))
      version += BATCH;
    if (version === events) return `long-${life}`;
  }
}

/** Whether the append was made; false where the store was too busy. */
async function appended(
  store: PeerStore,
  stream: string,
  version: number,
  count: number,
): Promise<boolean> {
  try {
    await store.append(stream, version, count);
    return true;
  } catch (error) {
    if (/busy|locked/iu.test(String(error))) return false;
    throw error;
  }
}

/** Events of a long stream that were read in a second; it is read several times, for a steadier figure. */
export async function readsPerSecond(store: PeerStore, stream: string): Promise<number> {
  const begun = performance.now();
  let read = 0;
  for (let time = 0; time < READS; time += 1) {
    const events = await store.read(stream);
    if (events === 0) throw new Error(`The store has no events of ${stream}.`);
    read += events;
  }
  return (read / (performance.now() - begun)) * 1000;
}

const BATCH = 50;
const READS = 4;
