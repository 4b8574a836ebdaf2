// Opens a store, appends, and neither closes it nor exits.
import { sqliteStore } from "@waybill/store-sqlite";
import { newEvents } from "../events.ts";

const store = sqliteStore({ path: process.argv[2] ?? "" });
await store.open();
await store.append("s", "none", newEvents(1));
process.stdout.write("appended\n");
