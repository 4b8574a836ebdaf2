import { expect, test } from "vitest";
import type { StoredEvent } from "@waybill/core";
import { postgresStore } from "@waybill/store-postgres";
import { describeWithPostgres } from "../../../integration/postgres-server.ts";
import { all, newEvents, take } from "./events.ts";
import { rawClient, rawInsert } from "./raw-client.ts";
import { newSchema } from "./schemas.ts";

await describeWithPostgres("the order of the log", (server) => {
  test("a late committer is not skipped: what committed before it waits for it", async () => {
    const schema = newSchema();
    await using store = postgresStore({ url: server().url, schema });
    await store.open();
    await using late = await rawClient(server().url, schema);
    await late.query("BEGIN");
    await late.query(rawInsert("late", "late-event"));
    const early = await store.append("early", "none", newEvents(1));

    const seen: StoredEvent[] = [];
    const signal = AbortSignal.timeout(20_000);
    const following = (async () => {
      for await (const page of store.subscribe({ signal })) {
        seen.push(...page);
        if (seen.length >= 2) break;
      }
    })();
    const reading = all(store.readAll());
    // A plain reader in the order of positions would now give the second and pass the first by.
    const { rows } = await late.query("SELECT id FROM events ORDER BY position");
    expect(rows.map(({ id }) => id)[0]).toBe("late-event");
    for (let look = 0; look < 20; look += 1) {
      expect((await all(store.read("early"))).length, "a stream is read at once").toBe(1);
    }
    expect(seen, "nothing is given before its order is certain").toEqual([]);
    await late.query("COMMIT");
    await following;
    const ids = ["late-event", early.ok ? early.events[0]?.id : null];
    expect(seen.map(({ id }) => id)).toEqual(ids);
    expect((await reading).map(({ id }) => id)).toEqual(ids);
  });

  test("a subscriber that goes on after a position gets what committed late behind it", async () => {
    const schema = newSchema();
    await using store = postgresStore({ url: server().url, schema });
    await store.open();
    const abort = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const page of store.subscribe({ signal: abort.signal }))
        seen.push(...page.map(({ id }) => id));
    })();
    // Transactions that overlap in every way, while others append.
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      await using raw = await rawClient(server().url, schema);
      for (let round = 0; round < 15; round += 1) {
        await raw.query("BEGIN");
        await raw.query(rawInsert(`raw-${writer}-${round}`, `raw-${writer}-${round}`));
        await raw.query(`SELECT pg_sleep(${Math.random() * 0.02})`);
        await raw.query(round % 5 === 4 ? "ROLLBACK" : "COMMIT");
      }
    });
    const appends = Array.from({ length: 60 }, (_, index) => index).map(async (index) => {
      await store.append(`s-${index}`, "none", newEvents(2));
    });
    await Promise.all([...writers, ...appends]);
    const log = await all(store.readAll());
    expect(log).toHaveLength(6 * 12 + 120);
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(log.length);
    expect(seen).toEqual(log.map(({ id }) => id));
    for (const { position } of log.filter((_, index) => index % 40 === 0)) {
      const rest = await all(store.readAll({ after: position }));
      expect(rest).toEqual(log.slice(log.findIndex((event) => event.position === position) + 1));
    }
    abort.abort();
    await following;
  });

  test("readAll() that is held up for too long is STORE_HELD_UP, and never a part", async () => {
    const schema = newSchema();
    await using store = postgresStore({ url: server().url, schema, statementTimeoutMs: 300 });
    await store.open();
    await using late = await rawClient(server().url, schema);
    await late.query("BEGIN");
    await late.query(rawInsert("late", "late-event"));
    await store.append("early", "none", newEvents(1));
    await expect(all(store.readAll())).rejects.toMatchObject({
      code: "STORE_HELD_UP",
      class: "transient",
    });
    await late.query("ROLLBACK");
    expect(await all(store.readAll())).toHaveLength(1);
  });

  test("a log restored into a younger server goes on in its order", async () => {
    const schema = newSchema();
    const options = { url: server().url, schema };
    await using store = postgresStore(options);
    await store.open();
    await store.append("s", "none", newEvents(3));
    await store.close();
    // As a dump of a server that has seen two billion transactions more.
    await using raw = await rawClient(server().url, schema);
    await raw.query("UPDATE events SET tx = tx + 2000000000");
    await store.open();
    const before = await all(store.readAll());
    expect(before).toHaveLength(3);
    const following = take(store.subscribe({ signal: AbortSignal.timeout(10_000) }), 4);
    const result = await store.append("s", 3, newEvents(1));
    expect(await following).toEqual([...before, ...(result.ok ? result.events : [])]);
    await store.close();
    await store.open();
    expect((await all(store.readAll())).slice(0, 3)).toEqual(before);
  });
});
