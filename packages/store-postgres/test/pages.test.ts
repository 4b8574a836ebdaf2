import { expect, test } from "vitest";
import type { JsonObject, NewEvent, StoredEvent } from "@waybill/core";
import { postgresStore } from "@waybill/store-postgres";
import { describeWithPostgres } from "../../../integration/postgres-server.ts";
import { all, newEvent } from "./events.ts";
import { newSchema } from "./schemas.ts";

await describeWithPostgres("pages", (server) => {
  test("a long stream comes whole and in order, wherever long and large events stand in it", async () => {
    await using store = postgresStore({ url: server().url, schema: newSchema() });
    await store.open();
    // Around the end of a measured page, inside of small ones, in a row, and last of all.
    const long = new Map<number, number>([
      [510, 3_000],
      [512, 70_000],
      [513, 200_000],
      [1_700, 2_047],
      [3_100, 60_000],
      [3_101, 60_000],
      [3_102, 900_000],
      [3_103, 3_000],
      [6_400, 70_000],
    ]);
    const events = Array.from({ length: 6_400 }, (_, index) =>
      newEvent({ n: index + 1, text: "я".repeat((long.get(index + 1) ?? 4) / 2) }),
    );
    for (let at = 0; at < events.length; at += 400) {
      const result = await store.append("long", at, events.slice(at, at + 400));
      expect(result.ok).toBe(true);
    }
    const pages: (readonly StoredEvent[])[] = [];
    for await (const page of store.read("long")) pages.push(page);
    expect(idsOf(pages.flat())).toEqual(idsOf(events));
    expect(dataOf(pages.flat())).toEqual(dataOf(events));
    expect(pages.flat().map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
    for (const page of pages) {
      expect(JSON.stringify(page).length, "a page has a bounded size").toBeLessThan(5_000_000);
    }
    const whole = await all(store.readAll());
    expect(whole).toEqual(pages.flat());
    expect(
      await all(store.readAll({ types: ["Noted"], after: whole[511]?.position ?? "" })),
    ).toEqual(whole.slice(512));
    expect(await all(store.read("long", { from: 500, to: 3_103 }))).toEqual(
      whole.slice(499, 3_103),
    );
    expect(await all(store.read("long", { from: 6_400 }))).toEqual(whole.slice(-1));
  });

  test("what mustUnderstand, schema and causation are comes back as it was", async () => {
    await using store = postgresStore({ url: server().url, schema: newSchema() });
    await store.open();
    const events: readonly NewEvent[] = [
      { ...newEvent(), mustUnderstand: false },
      { ...newEvent(), mustUnderstand: false, schema: 7, causation: "a" },
      { ...newEvent(), schema: Number.MAX_SAFE_INTEGER },
      { ...newEvent(), mustUnderstand: false, schema: Number.MAX_SAFE_INTEGER },
    ];
    await store.append("s", "none", events);
    expect(await all(store.read("s"))).toMatchObject(events);
    expect(await all(store.readAll())).toMatchObject(events);
    const again = await store.append("s", "none", events);
    expect(again).toMatchObject({ ok: true, repeated: true, events });
  });
});

function idsOf(events: readonly NewEvent[]): readonly string[] {
  return events.map(({ id }) => id);
}

function dataOf(events: readonly NewEvent[]): readonly JsonObject[] {
  return events.map(({ data }) => data as JsonObject);
}
