export { postgresStore } from "./postgres-store.ts";
export type { PostgresStore, PostgresStoreOptions } from "./postgres-store.ts";
export type { PostgresServer, PostgresTls } from "./server-address.ts";
