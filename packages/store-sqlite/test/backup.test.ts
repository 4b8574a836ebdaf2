import { copyFile, readdir, rm } from "node:fs/promises";
import { expect, test } from "vitest";
import { sqliteReader, sqliteStore } from "@waybill/store-sqlite";
import { all, newEvents } from "./events.ts";
import { temporaryFolder } from "./temporary-folder.ts";

test("backup() writes a store of its own while appends go on, and it can be restored", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  const store = sqliteStore({ path });
  await store.open();
  const [lease] = await store.claim(["s"], "one");
  await store.append("s", "none", newEvents(5000));
  const before = await all(store.readAll());
  const finished = new AbortController();
  const backup = store.backup(folder.file("backup.db")).finally(() => finished.abort());
  let version = 5000;
  while (!finished.signal.aborted) version = await appendOne(version);
  await backup;
  expect(version).toBeGreaterThan(5001);
  const { id } = store;
  await store.close();

  await rm(path);
  await copyFile(folder.file("backup.db"), path);
  const restored = sqliteStore({ path });
  await restored.open();
  expect(restored.id).toBe(id);
  const events = await all(restored.readAll());
  expect(events.slice(0, 5000)).toEqual(before);
  expect(events.map((event) => event.version)).toEqual(events.map((_, index) => index + 1));
  const [next] = await restored.claim(["s"], "one");
  expect(next?.epoch).toBeGreaterThan(lease?.epoch ?? 0);
  await restored.close();

  async function appendOne(at: number): Promise<number> {
    const result = await store.append("s", at, newEvents(1));
    return result.ok ? result.version : at;
  }
});

test("backup() of an existing target is STORE_TARGET_EXISTS, and of an impossible one STORE_PATH_UNWRITABLE", async () => {
  await using folder = await temporaryFolder();
  const store = sqliteStore({ path: folder.file("waybill.db") });
  await store.open();
  await store.backup(folder.file("backup.db"));
  const files = (await readdir(folder.path)).toSorted();
  await expect(store.backup(folder.file("backup.db"))).rejects.toMatchObject({
    code: "STORE_TARGET_EXISTS",
  });
  await expect(store.backup(folder.file("no/backup.db"))).rejects.toMatchObject({
    code: "STORE_PATH_UNWRITABLE",
    message: expect.stringContaining(folder.file("no/backup.db")),
  });
  expect((await readdir(folder.path)).toSorted(), "nothing half-written is left").toEqual(files);
  await store.close();
});

test("a reader can back up a store that another process owns, or nobody", async () => {
  await using folder = await temporaryFolder();
  const store = sqliteStore({ path: folder.file("waybill.db") });
  await store.open();
  await store.append("s", "none", newEvents(10));
  const reader = sqliteReader({ path: folder.file("waybill.db") });
  await reader.open();
  await reader.backup(folder.file("one.db"));
  await store.close();
  await reader.backup(folder.file("two.db"));
  await reader.close();
  for (const name of ["one.db", "two.db"]) {
    const copy = sqliteReader({ path: folder.file(name), check: "full" });
    await copy.open();
    expect(await all(copy.readAll())).toHaveLength(10);
    await copy.close();
  }
});
