import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { postgresStore } from "@waybill/store-postgres";
import { describeWithPostgres } from "../../../integration/postgres-server.ts";
import { all, newEvents } from "./events.ts";
import { rawClient } from "./raw-client.ts";
import { newSchema } from "./schemas.ts";

await describeWithPostgres("migrations", (server) => {
  test("a log of the first released schema is brought up to date, with everything in it, by whoever is first", async () => {
    const schema = newSchema();
    await using raw = await rawClient(server().url, schema);
    await raw.query(`CREATE SCHEMA ${schema}`);
    // Written by the first release and never changed since: see the head of the file.
    await raw.query(await readFile(new URL("./fixtures/schema-1.sql", import.meta.url), "utf8"));
    const stores = Array.from({ length: 4 }, () => postgresStore({ url: server().url, schema }));
    await Promise.all(stores.map((store) => store.open()));
    const [store] = stores;
    expect(store?.id).toBe("8c0b0f4e-5d53-4b2c-9c0e-0f6f9f6f2a11");
    if (store === undefined) return;
    const events = await all(store.readAll());
    expect(events.map(({ stream, version, data }) => ({ stream, version, data }))).toEqual([
      { stream: "task-42", version: 1, data: { agent: { slug: "coder", name: "Кодер" } } },
      { stream: "task-42", version: 2, data: { text: 'a "quoted" word\n' } },
      { stream: "task-43", version: 1, data: { agent: { slug: "coder", name: "Кодер" } } },
    ]);
    expect(await store.append("task-42", 2, newEvents(1))).toMatchObject({ ok: true, version: 3 });
    const [lease] = await store.claim(["task-42"], "somebody");
    expect(lease?.epoch).toBe(5);
    expect(await store.setCheckpoint("p", "1", null)).toEqual({ ok: true });
    await Promise.all(stores.map((each) => each.close()));
  });
});
