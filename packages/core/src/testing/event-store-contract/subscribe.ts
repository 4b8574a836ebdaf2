import assert from "node:assert/strict";
import { all, appended, deadline, idsOf, newEvent, newEvents, take } from "./clause.ts";
import type { StoreClause } from "./clause.ts";

/** Following the log. */
export const subscribeClauses: readonly StoreClause[] = [
  [
    "subscribe() gives what is there, then what is appended",
    async (store) => {
      appended(await store.append("s", "none", newEvents(700)));
      const following = take(store.subscribe({ signal: deadline() }), 705);
      for (let version = 700; version < 705; version += 1)
        appended(await store.append("s", version, newEvents(1)));
      assert.deepEqual(await following, await all(store.readAll()));
    },
  ],
  [
    "subscribe() on a store without events waits for the first",
    async (store) => {
      const following = take(store.subscribe({ signal: deadline() }), 1);
      const stored = appended(await store.append("s", "none", newEvents(1)));
      assert.deepEqual(await following, stored);
    },
  ],
  [
    "subscribe() leaves nothing out and repeats nothing while 16 writers append",
    async (store) => {
      const signal = deadline();
      const early = take(store.subscribe({ signal }), 1600);
      const write = async (stream: string): Promise<void> => {
        for (let version = 0; version < 100; version += 2)
          appended(await store.append(stream, version, newEvents(2)));
      };
      const writers = Array.from({ length: 16 }, (_, index) => write(`s-${index}`));
      await writers[0];
      const late = take(store.subscribe({ signal }), 1600);
      await Promise.all(writers);
      const events = idsOf(await all(store.readAll()));
      assert.equal(events.length, 1600);
      assert.deepEqual(idsOf(await early), events);
      assert.deepEqual(idsOf(await late), events);
    },
  ],
  [
    "subscribe() after a position, for some types, goes on exactly there",
    async (store) => {
      const before = appended(
        await store.append("s", "none", [newEvent({}, "A"), newEvent({}, "B"), newEvent({}, "A")]),
      );
      const following = take(
        store.subscribe({ after: before[0]?.position ?? "", types: ["A"], signal: deadline() }),
        3,
      );
      const live = [newEvent({}, "B"), newEvent({}, "A"), newEvent({}, "B"), newEvent({}, "A")];
      for (const [index, event] of live.entries())
        appended(await store.append("s", 3 + index, [event]));
      assert.deepEqual(idsOf(await following), [before[2]?.id, live[1]?.id, live[3]?.id]);
    },
  ],
  [
    "subscribe() ends when its signal aborts, also while it waits",
    async (store) => {
      appended(await store.append("s", "none", newEvents(1)));
      const abort = new AbortController();
      const subscription = store.subscribe({ signal: abort.signal })[Symbol.asyncIterator]();
      assert.equal((await subscription.next()).done, false);
      const waiting = subscription.next();
      abort.abort();
      assert.deepEqual(await waiting, { done: true, value: undefined });
      assert.deepEqual(await all(store.subscribe({ signal: AbortSignal.abort() })), []);
    },
  ],
  [
    "a subscriber that never asks again slows no append",
    async (store) => {
      appended(await store.append("s", "none", newEvents(1)));
      const idle = store.subscribe({ signal: deadline() })[Symbol.asyncIterator]();
      await idle.next();
      for (let version = 1; version < 201; version += 1)
        appended(await store.append("s", version, newEvents(1)));
      const events = await take({ [Symbol.asyncIterator]: () => idle }, 200);
      assert.equal(events.length, 200);
    },
  ],
  [
    "every subscriber gets every event",
    async (store) => {
      const signal = deadline();
      const followers = Array.from({ length: 5 }, () => take(store.subscribe({ signal }), 50));
      for (let version = 0; version < 50; version += 1)
        appended(await store.append("s", version, newEvents(1)));
      const events = await all(store.readAll());
      for (const follower of followers) assert.deepEqual(await follower, events);
    },
  ],
];
