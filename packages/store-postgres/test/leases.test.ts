import { expect, test } from "vitest";
import { postgresStore } from "@waybill/store-postgres";
import { describeWithPostgres } from "../../../integration/postgres-server.ts";
import { all, newEvents } from "./events.ts";
import { rawClient } from "./raw-client.ts";
import { newSchema } from "./schemas.ts";

await describeWithPostgres("leases", (server) => {
  test("of four stores that claim the same names at once, each name has one owner", async () => {
    const options = { url: server().url, schema: newSchema() };
    const stores = Array.from({ length: 4 }, () => postgresStore(options));
    await Promise.all(stores.map((store) => store.open()));
    const names = Array.from({ length: 500 }, (_, index) => `session-${index}`);
    const claims = await Promise.all(
      stores.map((store, number) =>
        store.claim(
          names.toSorted(() => Math.random() - 0.5),
          `owner-${number}`,
        ),
      ),
    );
    expect(
      claims
        .flat()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(names.toSorted());
    expect(claims.flat().every(({ epoch }) => epoch === 1)).toBe(true);
    await Promise.all(stores.map((store) => store.close()));
  });

  test("a lease is respected until it ends by the database's clock, and a renewal keeps it", async () => {
    const options = { url: server().url, schema: newSchema(), leaseMs: 1_000 };
    await using one = postgresStore(options);
    await using two = postgresStore(options);
    await one.open();
    await two.open();
    const held = await one.claim(["kept", "left"], "one");
    expect(await two.claim(["kept", "left"], "two")).toEqual([]);
    const [kept] = held;
    const until = Date.now() + 5_000;
    let taken = await two.claim(["kept", "left"], "two");
    while (taken.length === 0 && Date.now() < until) {
      expect(await one.renew(kept === undefined ? [] : [kept])).toEqual([kept]);
      taken = await two.claim(["kept", "left"], "two");
    }
    expect(taken).toEqual([{ name: "left", owner: "two", epoch: 2 }]);
    expect(await one.renew(held)).toEqual([kept]);
  });

  test("a lease that ended and that nobody took can be renewed", async () => {
    const options = { url: server().url, schema: newSchema(), leaseMs: 1 };
    await using store = postgresStore(options);
    await store.open();
    const held = await store.claim(["s"], "one");
    expect(await store.renew(held)).toEqual(held);
  });

  test("the late write of an owner whose session was taken over is fenced", async () => {
    const options = { url: server().url, schema: newSchema(), leaseMs: 1 };
    await using paused = postgresStore(options);
    await using next = postgresStore(options);
    await paused.open();
    await next.open();
    const [old] = await paused.claim(["s"], "one");
    await paused.append("s", "none", newEvents(1), { epoch: old!.epoch });
    await expect.poll(() => next.claim(["s"], "two")).toHaveLength(1);
    expect(await paused.append("s", 1, newEvents(1), { epoch: old!.epoch })).toEqual({
      ok: false,
      reason: "fenced",
      epoch: 2,
    });
    expect(await all(next.read("s"))).toHaveLength(1);
  });

  test("an append that is under way while another claims waits for the claim, and is fenced by it", async () => {
    const schema = newSchema();
    await using store = postgresStore({ url: server().url, schema });
    await store.open();
    const [old] = await store.claim(["s"], "one");
    await using raw = await rawClient(server().url, schema);
    await raw.query("BEGIN");
    await raw.query("UPDATE leases SET epoch = 2, owner = 'two' WHERE name = 's'");
    const appending = store.append("s", "none", newEvents(1), { epoch: old!.epoch });
    await expect
      .poll(async () => {
        const waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        return Number((await raw.query(waiting)).rows[0]?.count);
      })
      .toBeGreaterThan(0);
    await raw.query("COMMIT");
    expect(await appending).toEqual({ ok: false, reason: "fenced", epoch: 2 });
  });

  test("a claim passes over a row that another has locked, and gets it once it is free", async () => {
    const schema = newSchema();
    await using store = postgresStore({ url: server().url, schema });
    await store.open();
    await store.release(await store.claim(["a", "b"], "one"));
    await using raw = await rawClient(server().url, schema);
    await raw.query("BEGIN");
    await raw.query("SELECT FROM leases WHERE name = 'a' FOR UPDATE");
    expect((await store.claim(["a", "b"], "two")).map(({ name }) => name)).toEqual(["b"]);
    await raw.query("COMMIT");
    expect((await store.claim(["a", "b"], "two")).map(({ name }) => name)).toEqual(["a", "b"]);
  });
});
