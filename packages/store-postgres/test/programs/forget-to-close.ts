// Opens a store, appends, and neither closes it nor exits.
import { postgresStore } from "@waybill/store-postgres";
import { newEvents } from "../events.ts";

const [url = "", schema = ""] = process.argv.slice(2);
const store = postgresStore({ url, schema });
await store.open();
await store.append("s", "none", newEvents(1));
process.stdout.write("appended\n");
