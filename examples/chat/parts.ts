import { join } from "node:path";
import { agentProgram } from "@waybill/agent";
import {
  createOrchestrator,
  type Logger,
  type Orchestrator,
  type Scope,
  type Transport,
} from "@waybill/core";
import { modelGateway } from "@waybill/gateway";
import { fsMailbox } from "@waybill/ipc-fs";
import { sqliteStore } from "@waybill/store-sqlite";
import { httpTracker } from "@waybill/tracker-client";
import { dockerTransport } from "@waybill/transport-docker";
import { processTransport } from "@waybill/transport-process";
import type { ChatOptions } from "./options.ts";

/** The orchestrator of this command line. */
export function chatOrchestrator(
  options: ChatOptions,
  model: {
    readonly upstream?: string;
    readonly credential: NonNullable<ChatOptions["credential"]>;
  },
  logger: Logger,
): Promise<Orchestrator> {
  return createOrchestrator({
    store: sqliteStore({ path: join(options.data, "waybill.db"), logger }),
    mailbox: fsMailbox({ root: join(options.data, "mail"), logger }),
    ...(options.tracker === null ? {} : { tracker: httpTracker(options.tracker) }),
    agents: {
      [options.slug]: {
        name: options.name,
        transport: transport(options, logger),
        gateway: modelGateway({ ...model, ...gatewayRoot(options.data), logger }),
        policy: { idleMs: options.idleMs },
        config: { permissions: options.permissions },
      },
    },
    logger,
  });
}

/** What the chat may touch at the board: what was named, else all of it. */
export function scopeOf({ chats, tasks }: ChatOptions): Scope {
  const all = chats.length + tasks.length === 0;
  return all ? { chats: "any", tasks: "any" } : { chats, tasks };
}

/** Beside the data where a socket's address can be that long; else where gateways are by default. */
function gatewayRoot(data: string): { readonly root?: string } {
  const root = join(data, "gw");
  return Buffer.byteLength(root) <= 77 ? { root } : {};
}

function transport({ docker, image }: ChatOptions, logger: Logger): Transport {
  if (docker) return dockerTransport({ image, logger });
  const command = [process.execPath, ...process.execArgv, agentProgram()] as const;
  return processTransport({ command, logger });
}
