import { fileURLToPath } from "node:url";
import type { OrchestratorOptions } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { postgresStore } from "@waybill/store-postgres";
import { httpTracker } from "@waybill/tracker-client";
import { processTransport } from "@waybill/transport-process";

/** What an orchestrator of this test is told. */
export interface HostTerms {
  readonly store: string;
  readonly schema: string;
  /** The mailbox's root: one folder for both hosts, as on a network file system. */
  readonly root: string;
  readonly tracker: { readonly url: string; readonly token: string };
}

/** How long a run lives without an owner, in milliseconds. */
export const runLeaseMs = 4_000;

/** The same orchestrator on every host. */
export function optionsFor({ store, schema, root, tracker }: HostTerms): OrchestratorOptions {
  const program = fileURLToPath(new URL("../../examples/raw-agent/agent.ts", import.meta.url));
  return {
    store: postgresStore({ url: store, schema, leaseMs: 2_000 }),
    mailbox: fsMailbox({ root }),
    tracker: httpTracker({ ...tracker, idempotencyKeys: true }),
    agents: {
      coder: {
        name: "Кодер",
        transport: processTransport({
          command: [process.execPath, "--conditions=@waybill/source", program],
        }),
        policy: { retryMs: 50, retryCapMs: 500, graceMs: 1_000 },
      },
    },
    sharing: { renewMs: 500, runLeaseMs },
  };
}
