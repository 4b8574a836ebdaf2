import type { Round } from "../bench-line.ts";
import type { PeerStore } from "./peer-store.ts";

/** The same work by ours and by the peer, in turns, so that a busy moment meets both. */
export async function inTurns(
  rounds: number,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<readonly Round[]> {
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const value = await ours();
    measured.push({ value, baseline: await theirs() });
  }
  return measured;
}

/**
 * Appends that were made durable in a second, by so many clients, each with a stream of its own and
 * one append under way. A store that refuses for being busy has not made it: the client asks again.
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
    for (let version = 0; performance.now() < begun + durationMs;) {
      try {
        await store.append(`session-${number}-${run}`, version);
        version += 1;
        done += 1;
      } catch (error) {
        if (!/busy|locked/iu.test(String(error))) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return (done / (performance.now() - begun)) * 1000;
}

/** Makes a stream to be read again and again. */
export async function fillStream(store: PeerStore, events: number): Promise<void> {
  for (let version = 0; version < events; version += 1) await store.append("long", version);
}

/** Events of the long stream that were read in a second. */
export async function readsPerSecond(store: PeerStore, events: number): Promise<number> {
  const begun = performance.now();
  const read = await store.read("long");
  if (read !== events) throw new Error(`The store gave ${read} of ${events} events.`);
  return (read / (performance.now() - begun)) * 1000;
}
