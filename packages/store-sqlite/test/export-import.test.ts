import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { importLog, sqliteStore } from "@waybill/store-sqlite";
import type { SqliteStore } from "@waybill/store-sqlite";
import { all, newEvent, newEvents } from "./events.ts";
import { temporaryFolder } from "./temporary-folder.ts";

test("importLog() makes out of an export the same log with the same id, and no epoch goes back", async () => {
  await using folder = await temporaryFolder();
  const store = await filledStore(folder.file("from.db"));
  const lines = await Array.fromAsync(store.exportLines());
  expect(lines.every((line) => line.endsWith("\n") && line.indexOf("\n") === line.length - 1)).toBe(
    true,
  );
  const imported = await importLog({ path: folder.file("to.db"), lines });
  expect(imported).toEqual({ id: store.id, events: 901 });

  const copy = sqliteStore({ path: folder.file("to.db") });
  await copy.open();
  expect(copy.id).toBe(store.id);
  expect(await all(copy.readAll())).toEqual(await all(store.readAll()));
  expect(await copy.checkpoint("projection")).toBe("7");
  expect(await copy.checkpoint("gone")).toBeNull();
  const [lease] = await copy.claim(["s-1"], "third");
  expect(lease?.epoch).toBe(3);
  expect(await Array.fromAsync(copy.exportLines())).toEqual(
    lines.map((line) => line.replace('"epoch":2', '"epoch":3')),
  );
  await copy.close();
  await store.close();
  expect((await readdir(folder.path)).toSorted()).toEqual([
    "from.db",
    "from.db-lock",
    "to.db",
    "to.db-lock",
  ]);
});

test("importLog() takes lines without their line feeds, one after another", async () => {
  await using folder = await temporaryFolder();
  const store = await filledStore(folder.file("from.db"));
  async function* lines() {
    for await (const line of store.exportLines()) yield line.trimEnd();
  }
  await importLog({ path: folder.file("to.db"), lines: lines() });
  await store.close();
});

test("importLog() refuses what is no whole export, names the line, and makes nothing", async () => {
  await using folder = await temporaryFolder();
  const store = await filledStore(folder.file("from.db"));
  const lines = await Array.fromAsync(store.exportLines());
  await store.close();
  const change = (at: number, line: string): readonly string[] => lines.with(at, line);
  const broken: readonly (readonly [lines: readonly string[], line: number])[] = [
    [[], 0],
    [lines.slice(1), 1],
    [lines.slice(0, -1), lines.length - 1],
    [[...lines, lines[1] ?? ""], lines.length + 1],
    [change(3, "no JSON\n"), 4],
    [change(3, '{"event":{"id":1}}\n'), 4],
    [change(0, '{"header":{"format":2,"store":"x"}}\n'), 1],
    [lines.toSpliced(5, 1), 0],
    [lines.toSpliced(5, 0, lines[4] ?? ""), 0],
    [lines.toSpliced(-2, 1), lines.length - 1],
  ];
  for (const [attempt, line] of broken) {
    await expect(importLog({ path: folder.file("to.db"), lines: attempt })).rejects.toMatchObject({
      code: "IMPORT_INVALID",
      ...(line === 0 ? {} : { details: { line } }),
    });
  }
  expect((await readdir(folder.path)).toSorted()).toEqual(["from.db", "from.db-lock"]);
});

test("importLog() to a file that exists is STORE_TARGET_EXISTS and changes nothing", async () => {
  await using folder = await temporaryFolder();
  const store = await filledStore(folder.file("from.db"));
  const lines = await Array.fromAsync(store.exportLines());
  await expect(importLog({ path: folder.file("from.db"), lines })).rejects.toMatchObject({
    code: "STORE_TARGET_EXISTS",
  });
  expect(await all(store.readAll())).toHaveLength(901);
  await store.close();
});

async function filledStore(path: string): Promise<SqliteStore> {
  const store = sqliteStore({ path });
  await store.open();
  for (let round = 0; round < 100; round += 1)
    await store.append(`s-${round % 7}`, "any", newEvents(9));
  await store.append("слова", "none", [newEvent({ text: "\u2028 \uD800 \n" })]);
  const leases = await store.claim(["s-1", "s-2"], "one");
  await store.release(leases);
  await store.setCheckpoint("projection", "7", null);
  await store.setCheckpoint("gone", "7", null);
  await store.setCheckpoint("gone", null, "7");
  await store.claim(["s-1"], "two");
  return store;
}
