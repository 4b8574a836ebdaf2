import { describe, expect, test } from "vitest";
import { memoryStore } from "@waybill/core";
import { eventStoreContract } from "@waybill/core/testing";

describe("memoryStore keeps the contract of event stores", () => {
  eventStoreContract({
    test,
    create: async () => {
      const store = memoryStore();
      await store.open();
      return {
        store,
        reopen: async () => {
          await store.close();
          await store.open();
          return store;
        },
        [Symbol.asyncDispose]: () => store.close(),
      };
    },
  });
});

describe("memoryStore with leaseMs is like a store that many processes share", () => {
  test("claim() leaves out what another owner holds until its lease has ended", async () => {
    const clock = { time: 1000, now: () => clock.time, after: () => () => undefined };
    const store = memoryStore({ clock, leaseMs: 500 });
    await store.open();
    const [first] = await store.claim(["a"], "one");
    expect(first?.epoch).toBe(1);
    clock.time = 1499;
    expect(await store.claim(["a", "b"], "two")).toEqual([{ name: "b", owner: "two", epoch: 1 }]);
    expect(await store.renew(first === undefined ? [] : [first])).toEqual([first]);
    clock.time = 1998;
    expect(await store.claim(["a"], "two")).toEqual([]);
    clock.time = 1999;
    expect(await store.claim(["a"], "two")).toEqual([{ name: "a", owner: "two", epoch: 2 }]);
    expect(await store.renew(first === undefined ? [] : [first])).toEqual([]);
  });

  test("leaseMs without a clock is a mistake", () => {
    expect(() => memoryStore({ leaseMs: 500 })).toThrow(TypeError);
  });
});
