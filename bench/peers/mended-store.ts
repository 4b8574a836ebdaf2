import { setTimeout as sleep } from "node:timers/promises";
import type { PeerStore } from "./peer-store.ts";

/**
 * A peer that has to be nursed: one append after another, whoever asks, and a new instance on the
 * same file after a failure. Where two transactions meet on one connection of emmett-sqlite they
 * fail; its commits are at times refused as busy even so, and the connection is then left inside of
 * a transaction, which the next call ends with an error that nobody can catch.
 */
export function mendedStore(open: () => PeerStore): PeerStore & Disposable {
  const mend = (error: unknown): void => {
    if (!/SQLITE_/u.test(String(error))) throw error;
  };
  process.on("uncaughtException", mend);
  let store = open();
  let last: Promise<unknown> = Promise.resolve();
  const appendOrMend = async (stream: string, version: number, count: number): Promise<void> => {
    const late = sleep(PATIENCE_MS, "late", { ref: false });
    try {
      const answer = await Promise.race([store.append(stream, version, count), late]);
      if (answer !== "late") return;
    } catch (error) {
      if (!/SQLITE_|version/iu.test(String(error))) throw error;
    }
    store = open();
    // Whether it was made nobody knows: a client goes on with another stream.
    throw new Error("The peer was busy.");
  };
  return {
    append: (stream, version, count) => {
      const appended = last.then(() => appendOrMend(stream, version, count));
      last = appended.catch(() => null);
      return appended;
    },
    read: (stream) => store.read(stream),
    close: async () => undefined,
    [Symbol.dispose]: () => process.off("uncaughtException", mend),
  };
}

const PATIENCE_MS = 2_000;
