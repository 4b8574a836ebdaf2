import { expect, test } from "vitest";
import { postgresStore } from "@waybill/store-postgres";
import { describeWithPostgres } from "../../../integration/postgres-server.ts";
import { all, newEvents } from "./events.ts";
import { rawClient } from "./raw-client.ts";
import { newSchema } from "./schemas.ts";

await describeWithPostgres("open()", (server) => {
  test("eight stores that open a new schema at once make one log", async () => {
    const options = { url: server().url, schema: newSchema() };
    const stores = Array.from({ length: 8 }, () => postgresStore(options));
    await Promise.all(stores.map((store) => store.open()));
    expect(new Set(stores.map(({ id }) => id)).size).toBe(1);
    await Promise.all(stores.map((store) => store.append("s", "any", newEvents(2))));
    expect(await all(stores[0]!.read("s"))).toHaveLength(16);
    await Promise.all(stores.map((store) => store.close()));
  });

  test("the parts of an address and a unix socket do as a URL does", async () => {
    const { socket, port } = server();
    const parts = { host: socket, port, user: "waybill", database: "postgres" };
    await using store = postgresStore({ server: parts, schema: newSchema() });
    await store.open();
    expect(await store.append("s", "none", newEvents(1))).toMatchObject({ ok: true });
  });

  test("a schema of another program is STORE_FOREIGN, and is left as it is", async () => {
    const schema = newSchema();
    await using raw = await rawClient(server().url, schema);
    await raw.query(`CREATE SCHEMA ${schema}; CREATE TABLE log (line text)`);
    await expect(postgresStore({ url: server().url, schema }).open()).rejects.toMatchObject({
      code: "STORE_FOREIGN",
      message: expect.stringContaining(schema),
    });
    const tables = await raw.query(`SELECT FROM pg_tables WHERE schemaname = '${schema}'`);
    expect(tables.rowCount).toBe(1);
  });

  test("a schema of a newer release is STORE_TOO_NEW", async () => {
    const options = { url: server().url, schema: newSchema() };
    await using store = postgresStore(options);
    await store.open();
    await using raw = await rawClient(server().url, options.schema);
    await raw.query("UPDATE log SET schema = 99");
    await expect(postgresStore(options).open()).rejects.toMatchObject({ code: "STORE_TOO_NEW" });
  });

  test("a server that does not wait for its disk is STORE_NOT_DURABLE", async () => {
    await using raw = await rawClient(server().url, "public");
    const set = async (value: string): Promise<void> => {
      await raw.query(`ALTER SYSTEM SET fsync = ${value}`);
      await raw.query("SELECT pg_reload_conf()");
      const shown = async (): Promise<unknown> => (await raw.query("SHOW fsync")).rows[0]?.fsync;
      await expect.poll(shown).toBe(value);
    };
    await set("off");
    const store = postgresStore({ url: server().url, schema: newSchema() });
    await expect(store.open()).rejects.toMatchObject({ code: "STORE_NOT_DURABLE" });
    await set("on");
    await store.open();
    await store.close();
  });

  test("a database whose text is not UTF-8 is STORE_UNFIT", async () => {
    await using raw = await rawClient(server().url, "public");
    await raw.query(
      "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    );
    const url = server().url.replace(/postgres$/u, "latin");
    await expect(postgresStore({ url }).open()).rejects.toMatchObject({ code: "STORE_UNFIT" });
  });

  test("a database that does not exist is STORE_REFUSED, a server that is not there STORE_UNREACHABLE", async () => {
    const missing = server().url.replace(/postgres$/u, "nowhere");
    await expect(postgresStore({ url: missing }).open()).rejects.toMatchObject({
      code: "STORE_REFUSED",
      class: "permanent",
      message: expect.stringContaining("nowhere"),
    });
    const nobody = "postgres://waybill:a-secret@127.0.0.1:1/postgres";
    const failed = await postgresStore({ url: nobody })
      .open()
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: "STORE_UNREACHABLE", class: "transient" });
    expect(JSON.stringify(failed) + String(failed)).not.toContain("a-secret");
  });

  test("encryption that the server does not have is STORE_REFUSED, and never a plain connection", async () => {
    const store = postgresStore({ url: server().url, schema: newSchema(), tls: true });
    await expect(store.open()).rejects.toMatchObject({ code: "STORE_REFUSED" });
  });

  test("a mistake in the options is a TypeError", () => {
    const { url } = server();
    expect(() => postgresStore({})).toThrow(TypeError);
    expect(() => postgresStore({ url, server: {} })).toThrow(TypeError);
    expect(() => postgresStore({ url, schema: 'x"; DROP TABLE events' })).toThrow(TypeError);
    expect(() => postgresStore({ url, schema: "pg_catalog" })).toThrow(TypeError);
    expect(() => postgresStore({ url, poolSize: 0 })).toThrow(TypeError);
  });
});
