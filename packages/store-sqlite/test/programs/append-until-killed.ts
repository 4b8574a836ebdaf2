// Appends from eight clients at once and says on standard output what was acknowledged. Each event
// carries a digest of its own text and the size of its batch, so that a torn one shows.
import { createHash, randomBytes } from "node:crypto";
import { sqliteStore } from "@waybill/store-sqlite";
import type { SqliteStore } from "@waybill/store-sqlite";

const [path = "", round = "0"] = process.argv.slice(2);
const store = sqliteStore({ path, check: "quick", lockWaitMs: 0 });
await say("opening");
await store.open();
await Promise.all(
  Array.from({ length: 8 }, (_, client) => appendForEver(store, `stream-${client}`)),
);

async function appendForEver(log: SqliteStore, stream: string): Promise<void> {
  let version = 0;
  for await (const page of log.read(stream)) version = page.at(-1)?.version ?? version;
  for (let batch = 1; ; batch += 1) {
    const name = `${stream}/${round}/${batch}`;
    const events = Array.from({ length: 1 + (batch % 3) }, (_, index, size = 1 + (batch % 3)) => {
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
    if (!result.ok) throw new Error(`${name} was refused: ${JSON.stringify(result)}`);
    version = result.version;
    await say(events.map((event) => event.id).join(" "));
  }
}

function say(line: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(`${line}\n`, () => resolve());
  });
}
