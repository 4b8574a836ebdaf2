import { test } from "vitest";
import { eventStoreContract } from "@waybill/core/testing";
import { postgresStore } from "@waybill/store-postgres";
import type { PostgresStore } from "@waybill/store-postgres";
import { describeWithEachPostgres } from "../../../integration/postgres-server.ts";
import { newSchema } from "./schemas.ts";

await describeWithEachPostgres("postgresStore keeps the contract of event stores", (server) => {
  eventStoreContract({
    test,
    create: async () => {
      const options = { url: server().url, schema: newSchema() };
      let store = postgresStore(options);
      await store.open();
      return {
        store,
        reopen: async (): Promise<PostgresStore> => {
          await store.close();
          store = postgresStore(options);
          await store.open();
          return store;
        },
        [Symbol.asyncDispose]: () => store.close(),
      };
    },
  });
});
