// Appends from eight clients at once and says on standard output what was acknowledged. Each event
// carries a digest of its own text and the size of its batch, so that a torn one shows.
import { createHash, randomBytes } from "node:crypto";
import { postgresStore } from "@waybill/store-postgres";
import type { PostgresStore } from "@waybill/store-postgres";

const [url = "", schema = "", round = "0"] = process.argv.slice(2);
const store = postgresStore({ url, schema });
await store.open();
await Promise.all(
  Array.from({ length: 8 }, (_, client) => appendForEver(store, `stream-${client}`)),
);

async function appendForEver(log: PostgresStore, stream: string): Promise<void> {
  // What the server was doing for the last round may still become true after the kill.
  let version: number | "any" = "any";
  for (let batch = 1; ; batch += 1) {
    const name = `${stream}/${round}/${batch}`;
    const size = 1 + (batch % 3);
    const events = Array.from({ length: size }, (_, index) => {
      const text = randomBytes(10 + ((batch * 97) % 6000)).toString("base64");
      const digest = createHash("sha256").update(text).digest("hex");
      return {
        id: `${name}/${index}`,
        type: "Noted",
        data: { batch: name, size, text, digest },
        schema: 1,
        recordedAt: Date.now(),
        causation: null,
        mustUnderstand: true,
      };
    });
    const result = await log.append(stream, version, events);
    if (!result.ok) {
      // The killed round's last append came in between: only its own first look can be so late.
      if (result.reason !== "conflict") throw new Error(`${name} was refused: ${result.reason}`);
      version = result.actual;
      continue;
    }
    version = result.version;
    await say(events.map((event) => event.id).join(" "));
  }
}

function say(line: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(`${line}\n`, () => resolve());
  });
}
