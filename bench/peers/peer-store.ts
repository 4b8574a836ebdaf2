import type { EventStore } from "@waybill/core";
import { messageEvent } from "../store/workload.ts";

/** A store, ours or another's, as the rounds use it. */
export interface PeerStore {
  /** Appends so many events the size of a chat message, where the stream has this version. */
  append(stream: string, version: number, count: number): Promise<void>;
  /** Reads a whole stream; gives how many events it has. */
  read(stream: string): Promise<number>;
  close(): Promise<void>;
}

/** One of ours. */
export function ourStore(store: EventStore): PeerStore {
  return {
    append: async (stream, version, count) => {
      const result = await store.append(
        stream,
        version,
        Array.from({ length: count }, messageEvent),
      );
      if (!result.ok) throw new Error(`An append was refused: ${result.reason}`);
    },
    read: async (stream) => {
      let events = 0;
      for await (const page of store.read(stream)) events += page.length;
      return events;
    },
    close: () => store.close(),
  };
}

/** What Emmett's stores have, as far as it is used here. */
export interface EmmettStore {
  appendToStream(
    stream: string,
    events: readonly { readonly type: string; readonly data: unknown }[],
    options: { readonly expectedStreamVersion: bigint },
  ): Promise<unknown>;
  readStream(stream: string): Promise<{ readonly events: readonly unknown[] }>;
  close?(): Promise<void>;
}

/** One of Emmett's. */
export function emmettStore(store: EmmettStore): PeerStore {
  return {
    append: async (stream, version, count) => {
      const events = Array.from({ length: count }, () => {
        const { type, data } = messageEvent();
        return { type, data };
      });
      await store.appendToStream(stream, events, {
        expectedStreamVersion: BigInt(version),
      });
    },
    read: async (stream) => (await store.readStream(stream)).events.length,
    close: async () => store.close?.(),
  };
}
