import { connectAgent, readStart } from "@waybill/ipc-fs/agent";
import type { AgentHost } from "./agent-host.ts";
import { oldHost } from "./old-host.ts";

/** Where the program finds its host. */
export interface HostOptions {
  /** The whole of standard input. */
  readonly stdin: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that the run was started in: an old host's mailbox lies below it. */
  readonly cwd: string;
  /** Writes to standard output, which an old host reads. */
  readonly print: (text: string) => void;
}

/**
 * Connects to the host by the protocol that its start word speaks. Throws `START_UNREADABLE`,
 * `PROTOCOL_UNKNOWN` and `NOT_A_RUN` (see `@waybill/ipc-fs/agent`).
 */
export async function openHost(options: HostOptions): Promise<AgentHost> {
  const { stdin, env, cwd, print } = options;
  const start = readStart(stdin);
  if (start.protocol === 0) return oldHost({ start, cwd, print });
  const channel = await connectAgent({ env, stdin });
  return { ...channel, start: { ...channel.start, secrets: {} } };
}
