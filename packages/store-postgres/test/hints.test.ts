import { expect, test } from "vitest";
import { postgresStore } from "@waybill/store-postgres";
import { describeWithPostgres } from "../../../integration/postgres-server.ts";
import { newEvents, take } from "./events.ts";
import { rawClient, rawInsert } from "./raw-client.ts";
import { newSchema } from "./schemas.ts";

await describeWithPostgres("hints", (server) => {
  test("a subscriber in another process hears of an append long before it would look by itself", async () => {
    const options = { url: server().url, schema: newSchema(), pollMs: 600_000 };
    await using writer = postgresStore(options);
    await using reader = postgresStore(options);
    await writer.open();
    await reader.open();
    const signal = AbortSignal.timeout(20_000);
    const pages = reader.subscribe({ signal })[Symbol.asyncIterator]();
    for (let version = 0; version < 10; version += 1) {
      const next = pages.next();
      await writer.append("s", version, newEvents(1));
      expect((await next).value?.[0]?.version).toBe(version + 1);
    }
  });

  test("an event whose hint was lost is found by the next look", async () => {
    const schema = newSchema();
    await using reader = postgresStore({ url: server().url, schema, pollMs: 200 });
    await reader.open();
    await using raw = await rawClient(server().url, schema);
    const following = take(reader.subscribe({ signal: AbortSignal.timeout(20_000) }), 1);
    await raw.query(rawInsert("s", "unannounced"));
    expect((await following).map(({ id }) => id)).toEqual(["unannounced"]);
  });

  test("hints come again after their connection was cut", async () => {
    const schema = newSchema();
    const options = { url: server().url, schema, pollMs: 600_000 };
    await using writer = postgresStore(options);
    await using reader = postgresStore(options);
    await writer.open();
    await reader.open();
    await using raw = await rawClient(server().url, schema);
    const cut = await raw.query(
      "SELECT count(pg_terminate_backend(pid)) AS cut FROM pg_stat_activity WHERE application_name = 'waybill hints'",
    );
    expect(Number(cut.rows[0]?.cut)).toBeGreaterThanOrEqual(2);
    const pages = reader.subscribe({ signal: AbortSignal.timeout(30_000) })[Symbol.asyncIterator]();
    for (let version = 0; version < 3; version += 1) {
      const next = pages.next();
      await writer.append("s", version, newEvents(1));
      expect((await next).value?.[0]?.version).toBe(version + 1);
    }
  });
});
