import { readFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { sqliteReader, sqliteStore } from "@waybill/store-sqlite";
import { migrate, migrations } from "../src/thread/migrations.ts";
import { all, newEvents } from "./events.ts";
import { temporaryFolder } from "./temporary-folder.ts";

test("a store of the first released schema is brought up to date, with everything in it", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  // Written by the first release and never changed since: see the head of the file.
  const sql = await readFile(new URL("./fixtures/schema-1.sql", import.meta.url), "utf8");
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();

  // A reader changes nothing, so it cannot bring the store up to date.
  await expect(sqliteReader({ path }).open()).rejects.toMatchObject({
    code: "STORE_TOO_OLD",
    details: { schema: 1, known: migrations.length },
  });
  const store = sqliteStore({ path });
  await store.open();
  expect(store.id).toBe("8c0b0f4e-5d53-4b2c-9c0e-0f6f9f6f2a11");
  const events = await all(store.readAll());
  expect(
    events.map(({ stream, version, type, data }) => ({ stream, version, type, data })),
  ).toEqual([
    {
      stream: "task-42",
      version: 1,
      type: "SessionOpened",
      data: { agent: { slug: "coder", name: "Кодер" } },
    },
    { stream: "task-42", version: 2, type: "MessageQueued", data: { text: 'a "quoted" word\n' } },
    {
      stream: "task-43",
      version: 1,
      type: "SessionOpened",
      data: { agent: { slug: "coder", name: "Кодер" } },
    },
  ]);
  const known = { schema: 1, recordedAt: 1, causation: null, mustUnderstand: true, data: {} };
  for (const [stream, id] of [
    ["task-42", "e-2"],
    ["task-43", "e-3"],
  ] as const) {
    const repeat = await store.append(stream, "none", [{ ...known, id, type: "Noted" }]);
    expect(repeat).toMatchObject({ ok: true, repeated: true });
  }
  expect(await store.append("task-42", 2, newEvents(1))).toMatchObject({ ok: true, version: 3 });
  const [lease] = await store.claim(["task-42"], "somebody");
  expect(lease?.epoch).toBe(5);
  await store.close();
});

test("a migration that fails leaves the store as it was", () => {
  const db = new DatabaseSync(":memory:");
  migrate(db, "test.db");
  const before = db.prepare("SELECT sql FROM sqlite_schema").all();
  const steps = [...migrations, "CREATE TABLE later (a TEXT)", "CREATE TABLE later (b TEXT)"];
  expect(() => migrate(db, "test.db", steps)).toThrow(/already exists/);
  expect(db.prepare("SELECT sql FROM sqlite_schema").all()).toEqual(before);
  migrate(db, "test.db", steps.slice(0, -1));
  expect(db.prepare("PRAGMA user_version").get()).toEqual({ user_version: migrations.length + 1 });
  expect(() => migrate(db, "test.db")).toThrow(/newer release/);
  db.close();
});
