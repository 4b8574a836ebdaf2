// Who reads the log: goes on where it was, in another process too, and slows nobody.
import { expect, test } from "vitest";
import {
  createOrchestrator,
  dispatchStream,
  memoryStore,
  type EventStore,
  type SessionRecord,
} from "@waybill/core";
import { fakeWorld, reply } from "@waybill/core/testing";

const messages = 500;

test("a reader of the whole log goes on after a restart where it was: nothing twice, nothing left out", async () => {
  const world = fakeWorld({ coder: [reply("one"), reply("two")] });
  const seen: SessionRecord[] = [];
  const first = await createOrchestrator(world.ports());
  const session = await first.open({ id: "a", agent: "coder" });
  await session.ask("first");
  for await (const event of first.events()) {
    seen.push(event);
    if (seen.length === 4) break;
  }
  await first[Symbol.asyncDispose]();

  await using second = await createOrchestrator(world.ports());
  await second.session("a").ask("second");
  const after = seen.at(-1)?.position ?? "";
  const reading = new AbortController();
  for await (const event of second.events({ after, signal: reading.signal })) {
    seen.push(event);
    if (event.type === "TurnEnded" && event.data.text === "two") break;
  }
  const stored: string[] = [];
  for await (const page of world.store.readAll()) stored.push(...page.map(({ id }) => id));
  expect(seen.map(({ id }) => id)).toEqual(stored.slice(0, seen.length));
});

test("a reader of a session goes on after the version that it had", async () => {
  const world = fakeWorld({ coder: [reply("one"), reply("two")] });
  await using orchestrator = await createOrchestrator(world.ports());
  const session = await orchestrator.open({ id: "a", agent: "coder" });
  await session.ask("first");
  const { version: after } = await session.state();
  await session.ask("second");
  const versions: number[] = [];
  for await (const { version } of session.events({ after, until: "idle" })) versions.push(version);
  expect(versions[0]).toBe(after + 1);
  expect(versions).toEqual(versions.map((_, index) => after + 1 + index));
});

test("the events of other streams of the store, such as the dispatcher's, are no session's", async () => {
  const world = fakeWorld({ coder: [] });
  await using orchestrator = await createOrchestrator(world.ports());
  await world.store.append(dispatchStream, "none", [
    {
      id: "d",
      type: "DispatchBegan",
      data: {},
      schema: 1,
      recordedAt: 1,
      causation: null,
      mustUnderstand: true,
    },
  ]);
  await orchestrator.open({ id: "a", agent: "coder" });
  for await (const event of orchestrator.events()) {
    expect(event.type).toBe("SessionOpened");
    break;
  }
});

test("a reader that stands still holds up nobody, and nothing piles up for it", async () => {
  const log = countingStore();
  const world = fakeWorld(
    { coder: Array.from({ length: messages }, (_, index) => reply(`${index}`)) },
    { store: log.store },
  );
  await using orchestrator = await createOrchestrator(world.ports());
  const session = await orchestrator.open({ id: "a", agent: "coder" });
  const slow = orchestrator.events()[Symbol.asyncIterator]();
  expect((await slow.next()).value?.type).toBe("SessionOpened");
  const handed = log.subscribed();
  for (let index = 0; index < messages; index += 1) await session.ask(`${index}`);
  const { totals, version } = await session.state();
  expect(totals.turns).toBe(messages);
  // Nothing is read for who does not ask: what waits for it waits in the store.
  const own = log.subscribed() - handed;
  expect(own).toBeLessThanOrEqual(version);
  let last: SessionRecord | undefined;
  for (let count = 1; count < version; count += 1) last = (await slow.next()).value;
  expect(last?.version).toBe(version);
  await slow.return?.();
});

/** A store that counts what its subscribers were handed. */
function countingStore(): { readonly store: EventStore; subscribed(): number } {
  const inner = memoryStore();
  let count = 0;
  const store: EventStore = {
    ...inner,
    id: inner.id,
    async *subscribe(options) {
      for await (const page of inner.subscribe(options)) {
        count += page.length;
        yield page;
      }
    },
  };
  return { store, subscribed: () => count };
}
