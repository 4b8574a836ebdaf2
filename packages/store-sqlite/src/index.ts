export { sqliteStore } from "./sqlite-store.ts";
export type { SqliteStore, SqliteStoreOptions } from "./sqlite-store.ts";
export { sqliteReader } from "./sqlite-reader.ts";
export type { SqliteReader, SqliteReaderOptions } from "./sqlite-reader.ts";
export { importLog } from "./import-log.ts";
export type { Imported, ImportLogOptions } from "./import-log.ts";
export type { Durability, IntegrityCheck } from "./thread/messages.ts";
