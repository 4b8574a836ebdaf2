import { expect, test } from "vitest";
import { postgresStore } from "@waybill/store-postgres";
import { describeWithPostgres } from "../../../integration/postgres-server.ts";
import { cuttable } from "./cuttable.ts";
import { all, newEvents } from "./events.ts";
import { rawClient } from "./raw-client.ts";
import { newSchema } from "./schemas.ts";

await describeWithPostgres("a lost connection", (server) => {
  test("appends go on while every connection is ended again and again, and each happens once", async () => {
    const schema = newSchema();
    await using store = postgresStore({ url: server().url, schema });
    await store.open();
    await using raw = await rawClient(server().url, schema);
    const finished = new AbortController();
    const cutting = (async () => {
      let cuts = 0;
      while (!finished.signal.aborted) {
        const cut = await raw.query(
          "SELECT count(pg_terminate_backend(pid)) AS cut FROM pg_stat_activity WHERE application_name LIKE 'waybill%'",
        );
        cuts += Number(cut.rows[0]?.cut);
        await raw.query("SELECT pg_sleep(0.05)");
      }
      return cuts;
    })();
    const client = async (stream: string): Promise<void> => {
      for (let version = 0; version < 60; version += 2) {
        const result = await store.append(stream, version, newEvents(2));
        expect(result).toMatchObject({ ok: true, version: version + 2 });
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, number) => client(`s-${number}`)));
    finished.abort();
    expect(await cutting).toBeGreaterThan(5);
    expect(await all(store.readAll())).toHaveLength(8 * 60);
  });

  test("an append whose answer was lost in a silent network is made again, and is one append", async () => {
    await using way = await cuttable(server().url);
    const schema = newSchema();
    await using store = postgresStore({ url: way.url, schema, statementTimeoutMs: 200 });
    await store.open();
    await store.append("s", "none", newEvents(1));
    way.silence();
    const events = newEvents(2);
    const appending = store.append("s", 1, events);
    await using raw = await rawClient(server().url, schema);
    const stored = async (): Promise<number | null> =>
      (await raw.query("SELECT FROM events")).rowCount;
    await expect.poll(stored, { timeout: 10_000 }).toBe(3);
    way.heal();
    expect(await appending).toMatchObject({ ok: true, version: 3, repeated: true });
    expect(await all(store.read("s"))).toHaveLength(3);
  });

  test("a server that stays away is STORE_UNREACHABLE, and all is well once it is back", async () => {
    const store = postgresStore({ url: server().url, schema: newSchema() });
    await store.open();
    await store.append("s", "none", newEvents(1));
    const pages = store.subscribe({ signal: AbortSignal.timeout(60_000) });
    const following = pages[Symbol.asyncIterator]();
    await following.next();
    await server().stop("fast");
    const events = newEvents(2);
    await expect(store.append("s", 1, events)).rejects.toMatchObject({
      code: "STORE_UNREACHABLE",
      class: expect.stringMatching(/unknown|transient/u),
    });
    await server().start();
    expect(await store.append("s", 1, events)).toMatchObject({ ok: true, version: 3 });
    await store.close();
  });

  test("a statement that takes too long is STORE_BUSY, and nothing of it is kept", async () => {
    const schema = newSchema();
    await using store = postgresStore({ url: server().url, schema, statementTimeoutMs: 200 });
    await store.open();
    await using raw = await rawClient(server().url, schema);
    await raw.query("BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE");
    const events = newEvents(1);
    await expect(store.append("s", "none", events)).rejects.toMatchObject({
      code: "STORE_BUSY",
      class: "transient",
    });
    await raw.query("ROLLBACK");
    expect(await store.append("s", "none", events)).toMatchObject({ ok: true, repeated: false });
  });
});
