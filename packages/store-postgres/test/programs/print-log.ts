// Reads a whole log and prints what a check of it needs, one line an event.
import { createHash } from "node:crypto";
import { postgresStore } from "@waybill/store-postgres";

const [url = "", schema = ""] = process.argv.slice(2);
const store = postgresStore({ url, schema });
await store.open();
for await (const page of store.readAll()) {
  for (const { id, stream, version, data } of page) {
    const { batch, size, text, digest } = data as Record<string, unknown>;
    const whole = createHash("sha256").update(String(text)).digest("hex") === digest;
    process.stdout.write(`${JSON.stringify({ id, stream, version, batch, size, whole })}\n`);
  }
}
await store.close();
