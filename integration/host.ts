import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  createOrchestrator,
  type Gateway,
  type JsonObject,
  type Logger,
  type Orchestrator,
  type Policy,
  type SessionRecord,
  type Transport,
} from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { sqliteStore } from "@waybill/store-sqlite";
import { httpTracker } from "@waybill/tracker-client";
import { referenceTracker, type ReferenceTracker } from "@waybill/tracker-client/testing";
import { processTransport } from "@waybill/transport-process";

/** A host of real parts in a temporary folder: a log, a mailbox, a Tracker, one agent "coder". */
export interface TestHost extends AsyncDisposable {
  readonly data: string;
  readonly tracker: ReferenceTracker;
  /** Starts an orchestrator on the same folder; the one before must be gone. */
  start(): Promise<Orchestrator>;
}

/** What differs between tests. */
export interface TestHostOptions {
  /** One that is closed with its orchestrator serves no second one: then give what makes it. */
  readonly transport: Transport | (() => Transport);
  readonly protocol?: 0 | 1;
  readonly gateway?: Gateway | (() => Gateway);
  readonly policy?: Partial<Policy>;
  /** The agent's own configuration. */
  readonly config?: JsonObject;
  readonly logger?: Logger;
}

/** Opens a host. Disposing of it stops its runs and removes its folder. */
export async function openTestHost(options: TestHostOptions): Promise<TestHost> {
  const data = await mkdtemp(join(tmpdir(), "waybill-test-"));
  const tracker = await referenceTracker({
    seed: { chats: [{ id: "7" }], tasks: [{ id: "42", title: "Tests" }] },
  });
  let orchestrator: Orchestrator | null = null;
  const { policy, protocol, gateway, transport, logger, config } = options;
  return {
    data,
    tracker,
    async start() {
      orchestrator = await createOrchestrator({
        store: sqliteStore({ path: join(data, "waybill.db") }),
        mailbox: fsMailbox({
          root: join(data, "mail"),
          ...(logger === undefined ? {} : { logger }),
        }),
        tracker: httpTracker({ url: tracker.url, token: tracker.token }),
        agents: {
          coder: {
            name: "Кодер",
            transport: typeof transport === "function" ? transport() : transport,
            policy: { retryMs: 20, graceMs: 2_000, drainMs: 5_000, ...policy },
            ...(protocol === undefined ? {} : { protocol }),
            ...(config === undefined ? {} : { config }),
            ...(gateway === undefined
              ? {}
              : { gateway: typeof gateway === "function" ? gateway() : gateway }),
          },
        },
        ...(logger === undefined ? {} : { logger }),
      });
      return orchestrator;
    },
    async [Symbol.asyncDispose]() {
      await orchestrator?.shutdown();
      await tracker.close();
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** The raw agent as a child process. */
export function rawAgent(): Transport {
  const program = fileURLToPath(new URL("../examples/raw-agent/agent.ts", import.meta.url));
  return processTransport({ command: [process.execPath, "--conditions=@waybill/source", program] });
}

/** The old agent as a child process; its protocol must be named, since a program has no label. */
export function oldAgent(): Transport {
  const program = fileURLToPath(new URL("fixtures/old-agent.mjs", import.meta.url));
  return processTransport({ command: [process.execPath, program], protocol: 0 });
}

/** A message for the raw agent. */
export function script(steps: readonly object[], reply = "done"): string {
  return JSON.stringify({ steps, reply });
}

/** Resolves with the first event of this name; rejects after 30 s. */
export async function eventOf<Type extends SessionRecord["type"]>(
  orchestrator: Orchestrator,
  session: string,
  type: Type,
  fits: (event: SessionRecord<Type>) => boolean = () => true,
): Promise<SessionRecord<Type>> {
  const signal = AbortSignal.timeout(30_000);
  for await (const event of orchestrator.session(session).events({ signal })) {
    if (event.type === type && fits(event as SessionRecord<Type>))
      return event as SessionRecord<Type>;
  }
  throw new Error(`No ${type} came in session ${session}.`);
}
