import { describe, test } from "vitest";
import { eventStoreContract } from "@waybill/core/testing";
import { sqliteStore } from "@waybill/store-sqlite";
import type { SqliteStore } from "@waybill/store-sqlite";
import { temporaryFolder } from "./temporary-folder.ts";

describe("sqliteStore keeps the contract of event stores", () => {
  eventStoreContract({
    test,
    create: async () => {
      const folder = await temporaryFolder();
      const path = folder.file("waybill.db");
      let store = sqliteStore({ path });
      await store.open();
      return {
        store,
        reopen: async (): Promise<SqliteStore> => {
          await store.close();
          store = sqliteStore({ path });
          await store.open();
          return store;
        },
        [Symbol.asyncDispose]: async () => {
          await store.close();
          await folder[Symbol.asyncDispose]();
        },
      };
    },
  });
});
