import { readFile, stat } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { sqliteStore } from "@waybill/store-sqlite";
import { all, newEvent } from "./events.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const large = { text: `SECRET ${"0123456789".repeat(50_000)}` };

test("large data is kept once, however many events have it, and goes with the last of them", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  await using store = sqliteStore({ path });
  await store.open();
  for (let number = 0; number < 20; number += 1)
    await store.append(`s-${number % 2}`, "any", [newEvent(large)]);
  expect(payloads(path)).toBe(1);
  await store.erase("s-0", 10, newEvent());
  expect(payloads(path)).toBe(1);
  expect((await all(store.read("s-1")))[9]?.data).toEqual(large);
  await store.erase("s-1", 10, newEvent());
  expect(payloads(path)).toBe(0);
  await store.close();
  expect((await stat(path)).size).toBeLessThan(2_000_000);
});

test("nothing of what was erased can be found in the store's files", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  await using store = sqliteStore({ path });
  await store.open();
  await store.append("s", "none", [newEvent(large), newEvent({ short: "a SECRET too" })]);
  await store.append("t", "none", [newEvent({ short: "public" })]);
  await store.erase("s", 2, newEvent({ why: "asked" }));
  for (const side of ["", "-wal"]) {
    expect((await readFile(path + side)).includes("SECRET"), `in ${path}${side}`).toBe(false);
  }
  expect((await all(store.readAll())).map((event) => event.data)).toEqual([
    { short: "public" },
    { why: "asked" },
  ]);
  await store.close();
  expect((await readFile(path)).includes("SECRET")).toBe(false);
});

test("large data that is missing or changed is STORE_CORRUPT at open, and at the read where open did not look", async () => {
  await using folder = await temporaryFolder();
  for (const damage of [
    "UPDATE payloads SET data = replace(data, 'SECRET', 'PUBLIC')",
    "DELETE FROM payloads",
  ]) {
    const path = folder.file(`${damage.length}.db`);
    const store = sqliteStore({ path });
    await store.open();
    await store.append("s", "none", [newEvent(large), newEvent()]);
    await store.close();
    const db = new DatabaseSync(path);
    db.exec(damage);
    db.close();
    await expect(store.open()).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: expect.stringContaining("the large data @sha256:"),
    });
    const unchecked = sqliteStore({ path, check: "quick" });
    await unchecked.open();
    await expect(all(unchecked.read("s"))).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    expect(await all(unchecked.read("s", { from: 2 }))).toHaveLength(1);
    await unchecked.close();
  }
});

function payloads(path: string): number {
  const db = new DatabaseSync(path, { readOnly: true });
  const row = db.prepare("SELECT count(*) AS n FROM payloads").get();
  db.close();
  return Number(row?.["n"]);
}
