// An orchestrator on another host: started in namespaces of its own, with its terms on standard input.
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { createOrchestrator } from "@waybill/core";
import { optionsFor, type HostTerms } from "./terms.ts";

const orchestrator = await createOrchestrator(optionsFor((await json(process.stdin)) as HostTerms));
const session = await orchestrator.open({ id: "task-42", agent: "coder", scope: { chats: ["7"] } });
await session.send(
  JSON.stringify({
    steps: [
      { ask: { type: "chat.send", chat: "7", content: "before" } },
      { wait: 9_000 },
      { ask: { type: "chat.send", chat: "7", content: "after" } },
    ],
    reply: "done",
  }),
  { idempotencyKey: "work" },
);
process.stdout.write("sent\n");
await sleep(2 ** 31 - 1);
