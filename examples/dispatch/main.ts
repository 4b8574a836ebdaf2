// Work comes in by itself: from the board, through the dispatcher, to an agent, and back.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createOrchestrator, runDispatcher, type TrackerEvent } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { sqliteStore } from "@waybill/store-sqlite";
import { httpTracker } from "@waybill/tracker-client";
import { referenceTracker } from "@waybill/tracker-client/testing";
import { processTransport } from "@waybill/transport-process";
import { personAt } from "./person.ts";

const data = await mkdtemp(join(tmpdir(), "waybill-dispatch-"));
const agent = fileURLToPath(new URL("agent.ts", import.meta.url));
const stopping = new AbortController();
const { signal } = stopping;

await using board = await referenceTracker({ seed: { chats: [{ id: "general" }] } });
const store = sqliteStore({ path: join(data, "waybill.db") });
const tracker = httpTracker({ url: board.url, token: board.token });
await using orchestrator = await createOrchestrator({
  store,
  mailbox: fsMailbox({ root: join(data, "mail") }),
  tracker,
  agents: {
    coder: {
      name: "Кодер",
      transport: processTransport({ command: [process.execPath, ...process.execArgv, agent] }),
      policy: { idleMs: 1_000 },
    },
  },
});

const dispatching = runDispatcher({
  orchestrator,
  store,
  tracker,
  rules: {
    agents: {
      coder: {
        name: "Кодер",
        scope: { chats: ["general"] },
        taskPrompt: "TASK {{task.id}}: {{task.title}}",
        chatPrompt: "CHAT {{message.chat}}: {{message.content}}",
      },
    },
  },
  signal,
});

const ann = personAt(board);
const events = tracker.subscribe({ after: null, signal })[Symbol.asyncIterator]();

await ann.gives("t-1", "Write the first test", "coder");
await until((event) => event.type === "task.updated" && event.task.status === "done");
ann.says("general", "@Кодер, is it done?");
await until((event) => event.type === "chat.message" && event.message.author.type === "agent");
await ann.gives("t-2", "Wait for ever", "coder");
await until((event) => event.type === "task.updated" && event.task.status === "in_progress");
await ann.cancels("t-2");
for await (const _ of orchestrator.session("task-t-2.coder").events({ until: "ended" })) {
  // The end is what is waited for.
}

for (const { id, status } of await orchestrator.list()) console.log(`session ${id}: ${status}`);
stopping.abort();
await dispatching;
await orchestrator.shutdown();
await rm(data, { recursive: true });

/** Tells what happens on the board, up to an event. */
async function until(isLast: (event: TrackerEvent) => boolean): Promise<void> {
  for (;;) {
    const { value, done } = await events.next();
    if (done === true) throw new Error("The board told nothing more.");
    console.log(told(value));
    if (isLast(value)) return;
  }
}

function told(event: TrackerEvent): string {
  const who = event.cause === null ? "a person" : "the agent";
  switch (event.type) {
    case "chat.message":
      return `${event.message.author.name}: ${event.message.content}`;
    case "task.commented":
      return `${event.task}: comment by ${who}: ${event.content}`;
    case "other":
      return event.name;
    default:
      return `${event.task.id}: ${event.task.status}, of ${event.task.assignedTo} (${who})`;
  }
}
