// Sessions that ended long ago leave the store, and come back as they were.
import { expect, test } from "vitest";
import {
  archiveSessions,
  createOrchestrator,
  memoryStore,
  restoreSession,
  type Archived,
  type EventStore,
  type Orchestrator,
  type StoredEvent,
} from "@waybill/core";
import {
  chat,
  fakeTracker,
  fakeWorld,
  hang,
  operation,
  reply,
  type FakeWorld,
} from "@waybill/core/testing";

test("an ended session leaves the store for its archive, and comes back event by event", async () => {
  const world = await worldWithEnded("s", "t");
  const before = await all(world.store.read("s"));
  const archives = new Map<string, string[]>();
  expect(await archive(world, archives)).toEqual([
    { session: "s", events: before.length, stays: null },
    { session: "t", events: expect.any(Number), stays: null },
  ]);
  expect((await all(world.store.readAll())).map(({ type }) => type)).toEqual([
    "SessionArchived",
    "SessionArchived",
  ]);
  expect(await archive(world, archives), "a second time there is nothing").toEqual([]);

  const lines = archives.get("s") ?? [];
  for (let time = 0; time < 2; time += 1)
    expect(await restoreSession({ store: world.store, lines, now: 5 })).toBe("s");
  const after = await all(world.store.read("s"));
  expect(after.slice(0, before.length)).toEqual(before);
  expect(after.slice(before.length).map(({ type }) => type)).toEqual([
    "SessionArchived",
    "SessionRestored",
  ]);
});

test("a restored session goes on, and can be archived and restored again", async () => {
  const world = await worldWithEnded("s");
  for (let round = 0; round < 3; round += 1) {
    const archives = new Map<string, string[]>();
    expect(await archive(world, archives)).toMatchObject([{ session: "s", stays: null }]);
    await restoreSession({ store: world.store, lines: archives.get("s") ?? [], now: 5 });
    await using orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    expect(await session.ask("again")).toMatchObject({ text: "done" });
    await session.close();
  }
});

test("an archived session is refused with SESSION_ARCHIVED, also by an orchestrator that knew it before", async () => {
  const world = await worldWithEnded("s");
  await using knows = await start(world);
  expect(await knows.session("s").status()).toBeDefined();
  const archives = new Map<string, string[]>();
  await archive(world, archives);
  const refused = { code: "SESSION_ARCHIVED" };
  const opening = expect(knows.open({ id: "s", agent: "coder" })).rejects.toMatchObject(refused);
  await world.advance({ seconds: 1 });
  await opening;
  await using other = await start(world);
  await expect(other.open({ id: "s", agent: "coder" })).rejects.toMatchObject(refused);
  expect(await all(world.store.read("s"))).toHaveLength(1);
  await restoreSession({ store: world.store, lines: archives.get("s") ?? [], now: 5 });
  expect(await (await other.open({ id: "s", agent: "coder" })).ask("go")).toMatchObject({
    text: "done",
  });
});

test("what somebody still needs stays: an open session, a young one, and one that is used meanwhile", async () => {
  const world = await worldWithEnded("used");
  await using orchestrator = await start(world);
  await (await orchestrator.open({ id: "open", agent: "slow" })).send("work");
  const found = await Array.fromAsync(
    archiveSessions({
      store: world.store,
      endedBefore: Infinity,
      now: 5,
      keep: async (_session, lines) => {
        await drain(lines);
        await orchestrator.open({ id: "used", agent: "coder" });
      },
    }),
  );
  expect(found).toEqual([{ session: "used", events: 0, stays: "used meanwhile" }]);
});

test("a session with a dead letter stays until that was driven again", async () => {
  const { board } = fakeTracker({ chats: ["7"] });
  const down = fakeTracker({ board });
  down.failNext({ type: "unavailable" }, { times: 10_000 });
  const world = fakeWorld(
    { coder: [operation(chat("7", "hi")), reply("ok")] },
    { policy: { operationMs: 60_000 }, tracker: () => down },
  );
  await using orchestrator = await start(world);
  const scope = { chats: ["7"] };
  const session = await orchestrator.open({ id: "s", agent: "coder", scope });
  await session.send("go");
  await world.advance({ minutes: 5 });
  const closing = session.close();
  await world.advance({ minutes: 5 });
  await closing;
  expect(await session.status()).toBe("closed");
  const archives = new Map<string, string[]>();
  expect(await archive(world, archives)).toEqual([
    { session: "s", events: 0, stays: "dead letters" },
  ]);
  expect(archives.size).toBe(0);
});

test("a session that ended after the time stays", async () => {
  const world = await worldWithEnded("young");
  const options = { store: world.store, endedBefore: 0, now: 5, keep: fail };
  expect(await Array.fromAsync(archiveSessions(options))).toMatchObject([
    { session: "young", events: 0, stays: "its end is younger" },
  ]);
});

test("a session stays where its archive could not be kept, or was not taken whole", async () => {
  const world = await worldWithEnded("s");
  const before = await all(world.store.readAll());
  const options = { store: world.store, endedBefore: Infinity, now: 5 };
  const failing = Array.fromAsync(archiveSessions({ ...options, keep: fail }));
  await expect(failing).rejects.toThrow("the disk is full");
  const lazy = Array.fromAsync(archiveSessions({ ...options, keep: async () => undefined }));
  await expect(lazy).rejects.toThrow("before it had taken all lines");
  expect(await all(world.store.readAll())).toEqual(before);
});

test("lines that are no whole archive of this store change nothing", async () => {
  const world = await worldWithEnded("s");
  const archives = new Map<string, string[]>();
  await archive(world, archives);
  const lines = archives.get("s") ?? [];
  const before = await all(world.store.readAll());
  const broken: readonly (readonly string[])[] = [
    [],
    lines.slice(1),
    lines.slice(0, -1),
    lines.toSpliced(2, 1),
    lines.with(1, "no JSON\n"),
    lines.with(0, '{"header":{"format":1,"store":"another"}}\n'),
    [...lines, lines[1] ?? ""],
  ];
  for (const part of broken) {
    await expect(restoreSession({ store: world.store, lines: part, now: 5 })).rejects.toMatchObject(
      { code: "ARCHIVE_INVALID" },
    );
  }
  const changed = lines.map((line) => line.replace('"id":"', '"id":"x'));
  await expect(
    restoreSession({ store: world.store, lines: changed, now: 5 }),
  ).rejects.toMatchObject({ code: "RESTORE_MISMATCH" });
  const [tombstone] = await all(world.store.read("s"));
  expect(await all(world.store.readAll())).toEqual(before);
  const gone = { ...(await lastOf(world.store, "s")), id: "gone", type: "SessionErased" };
  await world.store.erase("s", tombstone?.version ?? 0, gone);
  await expect(restoreSession({ store: world.store, lines, now: 5 })).rejects.toMatchObject({
    code: "SESSION_ERASED",
  });
});

async function worldWithEnded(...ids: readonly string[]): Promise<FakeWorld> {
  const world = fakeWorld(
    { coder: Array.from({ length: 9 }, () => reply("done")), slow: [hang()] },
    { store: memoryStore({ id: "fake" }) },
  );
  await using orchestrator = await start(world);
  for (const id of ids) {
    const session = await orchestrator.open({ id, agent: "coder" });
    await session.ask("work");
    await session.close();
  }
  return world;
}

async function archive(
  world: FakeWorld,
  archives: Map<string, string[]>,
): Promise<readonly Archived[]> {
  return Array.fromAsync(
    archiveSessions({
      store: world.store,
      endedBefore: Infinity,
      now: 5,
      keep: async (session, lines) => void archives.set(session, await drain(lines)),
    }),
  );
}

/** Each process closes a connection of its own, and not the store of the others. */
async function start(world: FakeWorld): Promise<Orchestrator> {
  const ports = world.ports();
  const store = new Proxy(ports.store, {
    get: (target, name, self): unknown =>
      name === "close" ? () => Promise.resolve() : Reflect.get(target, name, self),
  });
  return createOrchestrator({ ...ports, store });
}

async function drain(lines: AsyncIterable<string>): Promise<string[]> {
  return Array.fromAsync(lines);
}

async function fail(): Promise<void> {
  throw new Error("the disk is full");
}

async function lastOf(store: EventStore, stream: string): Promise<StoredEvent> {
  const last = (await all(store.read(stream))).at(-1);
  if (last === undefined) throw new Error(`${stream} has no events.`);
  return last;
}

async function all(pages: AsyncIterable<readonly StoredEvent[]>): Promise<readonly StoredEvent[]> {
  return (await Array.fromAsync(pages)).flat();
}
