import { chmod, mkdir, open, readdir, stat, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { sqliteReader, sqliteStore } from "@waybill/store-sqlite";
import { migrations } from "../src/thread/migrations.ts";
import { all, newEvent, newEvents } from "./events.ts";
import { temporaryFolder } from "./temporary-folder.ts";

test("a path below a file is STORE_PATH_UNWRITABLE, with the path, the fix and nothing left behind", async () => {
  await using folder = await temporaryFolder();
  await writeFile(folder.file("file"), "");
  const path = folder.file("file/waybill.db");
  await expect(sqliteStore({ path }).open()).rejects.toMatchObject({
    code: "STORE_PATH_UNWRITABLE",
    class: "permanent",
    message: expect.stringMatching(new RegExp(`${path}.*choose another path`)),
  });
  expect(await readdir(folder.path)).toEqual(["file"]);
});

test("a path that is a folder is STORE_PATH_UNWRITABLE", async () => {
  await using folder = await temporaryFolder();
  await expect(sqliteStore({ path: folder.path }).open()).rejects.toMatchObject({
    code: "STORE_PATH_UNWRITABLE",
  });
});

test("a folder without the right to write is STORE_PATH_UNWRITABLE", async ({ skip }) => {
  skip(process.getuid?.() === 0, "root may write everywhere");
  await using folder = await temporaryFolder();
  await mkdir(folder.file("closed"), { mode: 0o555 });
  const path = folder.file("closed/waybill.db");
  await expect(sqliteStore({ path }).open()).rejects.toMatchObject({
    code: "STORE_PATH_UNWRITABLE",
  });
  await chmod(folder.file("closed"), 0o755);
});

test("a folder that is missing is made, and the file is for this user alone", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("a/b/waybill.db");
  const store = sqliteStore({ path });
  await store.open();
  await store.append("s", "none", newEvents(1));
  for (const name of await readdir(folder.file("a/b"))) {
    const { mode } = await stat(folder.file(`a/b/${name}`));
    expect({ name, mode: mode & 0o777 }).toEqual({ name, mode: 0o600 });
  }
  await store.close();
});

test("a path that is no file's name is a TypeError", () => {
  expect(() => sqliteStore({ path: ":memory:" })).toThrow(TypeError);
  expect(() => sqliteStore({ path: "" })).toThrow(TypeError);
  expect(() => sqliteReader({ path: "" })).toThrow(TypeError);
});

test("a file that is no database is STORE_CORRUPT and is left as it is", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  await writeFile(path, "this is no database, and was never one ".repeat(200));
  await expect(sqliteStore({ path }).open()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  expect((await stat(path)).size).toBe(39 * 200);
});

test("the database of another program is STORE_FOREIGN", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("other.db");
  const other = new DatabaseSync(path);
  other.exec("CREATE TABLE notes (text TEXT)");
  other.close();
  await expect(sqliteStore({ path }).open()).rejects.toMatchObject({ code: "STORE_FOREIGN" });
  await expect(sqliteReader({ path }).open()).rejects.toMatchObject({ code: "STORE_FOREIGN" });
});

test("a store of a newer release is STORE_TOO_NEW, and opens again with that release", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  const store = await storeWith(path, 3);
  setSchema(path, 99);
  await expect(store.open()).rejects.toMatchObject({
    code: "STORE_TOO_NEW",
    details: { path, schema: 99, known: expect.any(Number) },
  });
  await expect(sqliteReader({ path }).open()).rejects.toMatchObject({ code: "STORE_TOO_NEW" });
  setSchema(path, migrations.length);
  await store.open();
  expect(await all(store.readAll())).toHaveLength(3);
  await store.close();
});

test("a store that was never made is STORE_MISSING to a reader, which makes nothing", async () => {
  await using folder = await temporaryFolder();
  await expect(sqliteReader({ path: folder.file("waybill.db") }).open()).rejects.toMatchObject({
    code: "STORE_MISSING",
  });
  await expect(sqliteReader({ path: folder.file("no/waybill.db") }).open()).rejects.toMatchObject({
    code: "STORE_MISSING",
  });
  expect(await readdir(folder.path)).toEqual([]);
});

test("a damaged page is STORE_CORRUPT at open, and the error says what to do", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  const store = await storeWith(path, 2000);
  const { size } = await stat(path);
  for (const page of [2, 3, 4, Math.floor(size / 8192), size / 4096 - 1]) {
    const restore = await overwrite(path, page * 4096, Buffer.alloc(4096, 0xa5));
    await expect(store.open(), `page ${page}`).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: expect.stringMatching(/newest backup.*sqlite3 .*\.recover/),
    });
    await restore();
  }
  await store.open();
  expect(await all(store.readAll())).toHaveLength(2000);
  await store.close();
});

test("a letter that changed inside an event is STORE_CORRUPT at open, and at the read where open did not look", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  const store = sqliteStore({ path });
  await store.open();
  await store.append("s", "none", [newEvent({ text: "the quick brown fox" }), newEvent()]);
  await store.close();
  await changeBytes(path, "quick", "quack");
  await expect(store.open()).rejects.toMatchObject({
    code: "STORE_CORRUPT",
    message: expect.stringContaining("the event at position 1 does not match its checksum"),
  });
  const unchecked = sqliteStore({ path, check: "quick" });
  await unchecked.open();
  await expect(all(unchecked.read("s"))).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  expect(await all(unchecked.read("s", { from: 2 }))).toHaveLength(1);
  await unchecked.close();
});

test("an event that was taken out of the log is STORE_CORRUPT at open", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  const store = await storeWith(path, 10);
  const db = new DatabaseSync(path);
  db.exec("DELETE FROM events WHERE position = 5");
  db.close();
  await expect(store.open()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
});

async function storeWith(path: string, events: number) {
  const store = sqliteStore({ path });
  await store.open();
  await store.append("s", "none", newEvents(events));
  await store.close();
  return store;
}

function setSchema(path: string, version: number): void {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA user_version = ${version}`);
  db.close();
}

/** Overwrites a part of the file; the result puts it back. */
async function overwrite(path: string, at: number, bytes: Buffer): Promise<() => Promise<void>> {
  await using file = await open(path, "r+");
  const before = Buffer.alloc(bytes.length);
  await file.read(before, 0, before.length, at);
  await file.write(bytes, 0, bytes.length, at);
  return async () => {
    await overwrite(path, at, before);
  };
}

async function changeBytes(path: string, from: string, to: string): Promise<void> {
  await using file = await open(path, "r+");
  const at = (await file.readFile()).indexOf(from);
  await file.write(Buffer.from(to), 0, to.length, at);
}
