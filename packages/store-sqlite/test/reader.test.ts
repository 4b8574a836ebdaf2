import { expect, test } from "vitest";
import { sqliteReader, sqliteStore } from "@waybill/store-sqlite";
import type { SqliteReader } from "@waybill/store-sqlite";
import { all, newEvents } from "./events.ts";
import { runProgram } from "./program.ts";
import { temporaryFolder } from "./temporary-folder.ts";

test("a reader follows what another process appends, and goes on after that process was killed", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  await using writer = runProgram("append-until-killed", [path]);
  await writer.nextLine();
  await writer.nextLine(); // it is open, and appended
  const reader = sqliteReader({ path, pollMs: 5 });
  await reader.open();
  const acknowledged = new Set<string>();
  const following = followUntil("after", reader, (count) => {
    if (count > 500) writer.process.kill("SIGKILL");
  });
  for await (const line of writer.lines) for (const id of line.split(" ")) acknowledged.add(id);
  const store = sqliteStore({ path });
  await store.open();
  expect((await store.append("after", "none", newEvents(1))).ok).toBe(true);
  const followed = await following;
  expect(followed).toEqual((await all(store.readAll())).map((event) => event.id));
  const seen = new Set(followed);
  expect([...acknowledged].filter((id) => !seen.has(id))).toEqual([]);
  expect(reader.id).toBe(store.id);
  await reader.close();
  await store.close();
});

/** The ids of everything up to the first event of the stream; tells how many there were so far. */
async function followUntil(
  stream: string,
  reader: SqliteReader,
  progress: (count: number) => void,
): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const page of reader.subscribe()) {
    ids.push(...page.map((event) => event.id));
    progress(ids.length);
    if (page.some((event) => event.stream === stream)) break;
  }
  return ids;
}

test("owner and reader find streams and ids before the index has caught up with them and after", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  await using store = sqliteStore({ path });
  await using reader = sqliteReader({ path });
  await store.open();
  const first = newEvents(3);
  await store.append("a", "none", first);
  await reader.open();
  // The index catches up in the middle of this, since so much is behind, and at the end, when it is quiet.
  for (let version = 3; version < 20_003; version += 1000) {
    await store.append("a", version, newEvents(1000));
    await store.append(`b-${version}`, "none", newEvents(1));
    for (const log of [store, reader]) {
      expect(await all(log.read("a", { from: version - 1 }))).toHaveLength(1002);
      expect(await all(log.read(`b-${version}`))).toHaveLength(1);
    }
    expect(await store.append("a", "none", first)).toMatchObject({ ok: true, repeated: true });
  }
  const everything = await all(store.readAll());
  expect(everything).toHaveLength(20_023);
  expect(await all(reader.readAll())).toEqual(everything);
  const stream = everything.filter((event) => event.stream === "a");
  expect(await all(store.read("a"))).toEqual(stream);
  expect(await all(reader.read("a"))).toEqual(stream);
  await store.close();
  expect(await all(reader.read("a"))).toEqual(stream);
  await reader.close();
  await expect(all(reader.read("a"))).rejects.toMatchObject({ code: "STORE_CLOSED" });
});
