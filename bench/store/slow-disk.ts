// Runs in a process whose syncs are slowed (see slow-sync.c), and prints what it measured as JSON.
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { sqliteStore } from "@waybill/store-sqlite";
import type { SqliteStore } from "@waybill/store-sqlite";
import { loopDelay } from "../host-facts.ts";
import { appendFor, messageEvent, writeRawFor } from "./workload.ts";

const [folder = "", rounds = "7"] = process.argv.slice(2);
const store = sqliteStore({ path: join(folder, "slow.db"), lockWaitMs: 5_000 });
await store.open();
await appendFor(store, 32, 300);
const appends: unknown[] = [];
const delays: unknown[] = [];
for (let round = 0; round < Number(rounds); round += 1) {
  const raw = writeRawFor(join(folder, "slow-raw"), 500);
  const paced = await appendFor(store, 32, 1000);
  appends.push({ value: paced.perSecond, baseline: raw.perSecond });
  const idle = await loopDelay(1000);
  delays.push({ value: await delayWhileAppending(store), baseline: idle });
}
await store.close();
process.stdout.write(JSON.stringify({ appends, delays }));

/** The median delay of the event loop over a second with 200 appends in it. */
async function delayWhileAppending(log: SqliteStore): Promise<number> {
  const measuring = loopDelay(1000);
  const stream = `paced-${crypto.randomUUID()}`;
  const appending: Promise<unknown>[] = [];
  for (let number = 0; number < 200; number += 1) {
    appending.push(log.append(stream, "any", [messageEvent()]));
    await setTimeout(5);
  }
  await Promise.all(appending);
  return measuring;
}
