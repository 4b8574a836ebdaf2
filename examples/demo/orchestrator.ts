// The demo's orchestrator: a process of its own, so that it can be killed. This is what a user's
// service looks like; only the standard input as a remote control is particular.
import { createInterface } from "node:readline";
import { join } from "node:path";
import { Logger as TsLogger } from "tslog";
import { agentProgram } from "@waybill/agent";
import { createOrchestrator, type SessionHandle, type Transport } from "@waybill/core";
import { modelGateway } from "@waybill/gateway";
import { fsMailbox } from "@waybill/ipc-fs";
import { sqliteStore } from "@waybill/store-sqlite";
import { httpTracker } from "@waybill/tracker-client";
import { dockerTransport } from "@waybill/transport-docker";
import { processTransport } from "@waybill/transport-process";
import type { Cue, OrchestratorTerms } from "./orchestrator-terms.ts";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const terms = JSON.parse((await lines.next()).value as string) as OrchestratorTerms;

const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const logger = new TsLogger({ type: "hidden" });
logger.attachTransport((record) => tell({ log: record["1"] ?? record, text: record["0"] }));

await using orchestrator = await createOrchestrator({
  store: sqliteStore({ path: join(terms.data, "waybill.db") }),
  mailbox: fsMailbox({ root: join(terms.data, "mail"), logger }),
  tracker: httpTracker(terms.tracker),
  agents: {
    coder: {
      name: "Кодер",
      transport: transport(),
      gateway: modelGateway({ ...terms.model, idleMs: 5_000, logger }),
    },
  },
  logger,
});
orchestrator.onActivity((_, activity) => tell({ activity }));
tell({ ready: process.pid });

const watching = new AbortController();
let session: SessionHandle | null = null;
if ((await orchestrator.list()).length > 0) follow(orchestrator.session(terms.session));

for await (const line of lines) {
  const cue = JSON.parse(line) as Cue;
  if (cue.cue === "leave") break;
  await play(cue);
}
watching.abort();
process.stdin.destroy();

async function play(cue: Exclude<Cue, { cue: "leave" }>): Promise<void> {
  switch (cue.cue) {
    case "open":
      await orchestrator.open({ id: terms.session, agent: "coder", scope: terms.scope });
      if (session === null) follow(orchestrator.session(terms.session));
      return;
    case "send":
      await session?.send(cue.text, { idempotencyKey: cue.key });
      return;
    case "close":
      await session?.close();
      return;
    default:
      cue satisfies never;
  }
}

/** Tells every event from where the audience left off. */
function follow(handle: SessionHandle): void {
  session = handle;
  void (async () => {
    for await (const record of handle.events({ after: terms.after, signal: watching.signal })) {
      tell({ record });
    }
  })();
}

function transport(): Transport {
  if (terms.docker) return dockerTransport({ image: "team-board-agent:latest" });
  return processTransport({
    command: [process.execPath, ...process.execArgv, agentProgram()],
    logger,
  });
}
