// The orchestrator under attack: opens every session of its terms, asks, and closes those that it shall.
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { createOrchestrator } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { sqliteStore } from "@waybill/store-sqlite";
import type { TransportChaosOptions } from "./transport-options.ts";
import { transportPlace } from "./transport-place.ts";

/** What standard input says. */
export interface TransportTerms {
  readonly data: string;
  readonly transport: TransportChaosOptions["transport"];
  readonly sessions: readonly {
    readonly id: string;
    /** How many events it says at least. */
    readonly events: number;
    /** Whether it has said enough. */
    readonly close: boolean;
  }[];
}

const terms = (await json(process.stdin)) as TransportTerms;

await using orchestrator = await createOrchestrator({
  store: sqliteStore({ path: join(terms.data, "waybill.db"), lockWaitMs: 5_000 }),
  mailbox: fsMailbox({ root: join(terms.data, "mail") }),
  agents: {
    talker: {
      name: "Talker",
      transport: transportPlace(terms.transport),
      policy: { retryMs: 50, retryCapMs: 1_000, failures: 1_000, idleMs: 3_600_000 },
    },
  },
});
console.log(JSON.stringify({ ready: process.pid }));

await Promise.all(
  terms.sessions.map(async ({ id, events, close }) => {
    const session = await orchestrator.open({ id, agent: "talker" });
    await session.send(String(events), { idempotencyKey: "talk" });
    if (!close) return;
    await session.send("enough", { idempotencyKey: "enough" });
    await session.close();
  }),
);
console.log(JSON.stringify({ finished: true }));
if (terms.sessions.some(({ close }) => !close)) await new Promise(() => setInterval(() => 0, 1e6));
