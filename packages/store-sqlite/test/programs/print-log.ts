// Reads the whole store beside whoever owns it, with the full check, and prints one event a line.
import { createHash } from "node:crypto";
import { sqliteReader } from "@waybill/store-sqlite";

const reader = sqliteReader({ path: process.argv[2] ?? "", check: "full" });
await reader.open();
for await (const page of reader.readAll()) {
  const lines = page.map(({ id, stream, version, position, data }) => {
    const { batch, size, text, digest } = new Object(data) as Record<string, unknown>;
    const whole = createHash("sha256").update(String(text)).digest("hex") === digest;
    return JSON.stringify({ id, stream, version, position, batch, size, whole });
  });
  process.stdout.write(`${lines.join("\n")}\n`);
}
await reader.close();
