import { expect, test } from "vitest";
import { sqliteStore } from "@waybill/store-sqlite";
import { all, newEvent, newEvents } from "./events.ts";
import { temporaryFolder } from "./temporary-folder.ts";

test("an append beyond queueBytes is refused with STORE_BUSY for a later retry, and the others succeed", async () => {
  await using folder = await temporaryFolder();
  const store = sqliteStore({ path: folder.file("waybill.db"), queueBytes: 50_000 });
  await store.open();
  const appends = Array.from({ length: 100 }, (_, n) =>
    store.append(`s-${n}`, "none", [newEvent({ text: "x".repeat(1000) })]),
  );
  const outcomes = await Promise.allSettled(appends);
  const refused = outcomes.filter((outcome) => outcome.status === "rejected");
  expect(refused.length).toBeGreaterThan(40);
  for (const { reason } of refused)
    expect(reason).toMatchObject({
      code: "STORE_BUSY",
      class: "rate",
      retryAfterMs: expect.any(Number),
    });
  expect(await all(store.readAll())).toHaveLength(100 - refused.length);
  expect((await store.append("later", "none", newEvents(1))).ok).toBe(true);
  const large = await store.append("larger than the queue", "none", [
    newEvent({ text: "x".repeat(200_000) }),
  ]);
  expect(large.ok).toBe(true);
  await store.close();
});

test("how the store was opened is told to the logger, and that normal durability can lose events", async () => {
  await using folder = await temporaryFolder();
  for (const durability of ["full", "normal"] as const) {
    const said: [level: string, fields: unknown][] = [];
    const logger = {
      debug: () => undefined,
      info: (_: string, fields: unknown) => said.push(["info", fields]),
      warn: (_: string, fields: unknown) => said.push(["warn", fields]),
      error: () => undefined,
    };
    const store = sqliteStore({ path: folder.file(`${durability}.db`), durability, logger });
    await store.open();
    expect(said[0]).toEqual([
      "info",
      expect.objectContaining({ journalMode: "wal", synchronous: durability }),
    ]);
    expect(said.length).toBe(durability === "full" ? 1 : 2);
    if (durability === "normal")
      expect(said[1]).toEqual(["warn", expect.objectContaining({ durability: "normal" })]);
    await store.append("s", "none", newEvents(3));
    expect(await all(store.read("s"))).toHaveLength(3);
    await store.close();
  }
});
