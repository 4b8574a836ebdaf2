import { expect, test } from "vitest";
import { postgresStore } from "@waybill/store-postgres";
import { describeWithPostgres } from "../../../integration/postgres-server.ts";
import { all, newEvent } from "./events.ts";
import { rawClient } from "./raw-client.ts";
import { newSchema } from "./schemas.ts";

const large = { text: "0123456789".repeat(50_000) };

await describeWithPostgres("large data", (server) => {
  test("large data is kept once, however many events have it, and goes with the last of them", async () => {
    const schema = newSchema();
    await using store = postgresStore({ url: server().url, schema });
    await using raw = await rawClient(server().url, schema);
    await store.open();
    const payloads = async (): Promise<number> =>
      Number((await raw.query("SELECT count(*) AS n FROM payloads")).rows[0]?.n);
    // At once, so that several leave in one statement.
    await Promise.all(
      Array.from({ length: 20 }, (_, number) =>
        store.append(`s-${number % 10}`, "any", [newEvent(large)]),
      ),
    );
    expect(await payloads()).toBe(1);
    const pages: number[] = [];
    for await (const page of store.readAll()) pages.push(page.length);
    expect(Math.max(...pages), "pages are as small as their data is large").toBeLessThan(5);
    for (let number = 0; number < 9; number += 1) await store.erase(`s-${number}`, 2, newEvent());
    expect(await payloads()).toBe(1);
    expect((await all(store.read("s-9")))[1]?.data).toEqual(large);
    await store.erase("s-9", 2, newEvent());
    expect(await payloads()).toBe(0);
  });

  test("large data that is refused with its append leaves nothing behind", async () => {
    const schema = newSchema();
    await using store = postgresStore({ url: server().url, schema });
    await using raw = await rawClient(server().url, schema);
    await store.open();
    expect(await store.append("s", 7, [newEvent(large)])).toMatchObject({ reason: "conflict" });
    expect((await raw.query("SELECT FROM payloads")).rowCount).toBe(0);
  });

  test("erasing and appending the same large data at once never leaves an event without it", async () => {
    const schema = newSchema();
    const url = server().url;
    await using one = postgresStore({ url, schema });
    await using two = postgresStore({ url, schema });
    await Promise.all([one.open(), two.open()]);
    for (let round = 0; round < 40; round += 1) {
      await one.append(`old-${round}`, "none", [newEvent(large)]);
      await Promise.all([
        one.erase(`old-${round}`, 1, newEvent()),
        two.append("new", "any", [newEvent(large)]),
      ]);
      const last = (await all(two.read("new"))).at(-1);
      expect(last?.data).toEqual(large);
      await two.erase("new", last?.version ?? 0, newEvent());
      await Promise.all([
        two.append(`next-${round}`, "none", [newEvent(large)]),
        one.append(`next-too-${round}`, "none", [newEvent(large)]),
      ]);
      await one.erase(`next-${round}`, 1, newEvent());
      expect((await all(two.read(`next-too-${round}`)))[0]?.data).toEqual(large);
      await one.erase(`next-too-${round}`, 1, newEvent());
    }
  });
});
