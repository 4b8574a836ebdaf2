// The orchestrator under attack: does the whole workload, from the top, as often as it takes.
import { json } from "node:stream/consumers";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createOrchestrator } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { sqliteStore } from "@waybill/store-sqlite";
import { httpTracker } from "@waybill/tracker-client";
import { processTransport } from "@waybill/transport-process";
import type { Part } from "./workload.ts";

/** What standard input says. */
export interface Terms {
  readonly data: string;
  readonly tracker: {
    readonly url: string;
    readonly token: string;
    readonly idempotencyKeys: boolean;
  };
  readonly parts: readonly Part[];
}

const terms = (await json(process.stdin)) as Terms;
const agent = fileURLToPath(new URL("../examples/raw-agent/agent.ts", import.meta.url));

await using orchestrator = await createOrchestrator({
  store: sqliteStore({ path: join(terms.data, "waybill.db") }),
  mailbox: fsMailbox({ root: join(terms.data, "mail") }),
  tracker: httpTracker({ ...terms.tracker, timeoutMs: 1_000 }),
  agents: {
    raw: {
      name: "Сырой",
      transport: processTransport({
        command: [process.execPath, "--conditions=@waybill/source", agent],
      }),
      policy: { retryMs: 50, retryCapMs: 1_000, failures: 1_000, graceMs: 1_000, doubtMs: 2_000 },
    },
  },
});
console.log(JSON.stringify({ ready: process.pid }));

await Promise.all(
  terms.parts.map(async ({ session: id, chat, messages }) => {
    const session = await orchestrator.open({ id, agent: "raw", scope: { chats: [chat] } });
    for (const { key, text } of messages) {
      await session.ask(text, { idempotencyKey: key });
    }
    await session.close();
  }),
);
console.log(JSON.stringify({ finished: true }));
