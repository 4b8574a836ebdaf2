import { chmod, mkdir, rm } from "node:fs/promises";
import path from "node:path";
import type { Credential } from "../control-words.ts";
import type { WaySpec } from "../way-spec.ts";
import { SOCKET_NAME, wayFolder } from "../way-spec.ts";
import type { AuditLog } from "./audit-log.ts";
import { leadsTo, listenAt } from "./listen-at.ts";
import type { UpstreamAgents } from "./upstream-agents.ts";
import { serveWay } from "./way-server.ts";

/** What one run's way is made of. */
export interface WayOptions {
  readonly spec: WaySpec;
  readonly root: string;
  readonly audit: AuditLog;
  readonly agents: UpstreamAgents;
  readonly credential: () => Credential | undefined;
  /** Called whenever the run asks for anything. */
  readonly heard: () => void;
}

/** An attached run: a socket in a folder of its own, and the HTTP server behind it. */
export interface Way {
  readonly spec: WaySpec;
  readonly inFlight: number;
  /** Whether a client that looks for the socket would reach this server. */
  answers(): Promise<boolean>;
  /** Takes no new connection; what is in flight goes on. For a way that another one replaces. */
  retire(): void;
  /** Ends everything at once: the run is over. */
  close(): void;
  /** Ends everything and takes the socket away; the folder stays, since a run may have it mounted. */
  hide(): Promise<void>;
}

/** Opens one run's way and resolves once its socket answers. */
export async function openWay(options: WayOptions): Promise<Way> {
  const { spec, root } = options;
  const folder = wayFolder(root, spec);
  const file = path.join(folder, SOCKET_NAME);
  await mkdir(path.dirname(folder), { recursive: true, mode: 0o700 });
  await mkdir(folder, { recursive: true });
  // The run's user enters through a mount, which the parents' 0700 does not concern.
  await chmod(folder, 0o755);

  const { server, flights, settle } = serveWay(options);
  const ino = await listenAt(server, file, spec.user);
  server.on("error", (error) => process.stderr.write(`${folder}: ${error.message}\n`));

  const close = (): void => {
    settle();
    server.close();
    server.closeAllConnections();
  };
  return {
    spec,
    get inFlight() {
      return flights.size;
    },
    answers: async () => server.listening && (await leadsTo(file, ino)),
    retire: () => {
      settle();
      server.close();
      server.closeIdleConnections();
    },
    close,
    hide: async () => {
      close();
      if (await leadsTo(file, ino)) await rm(file, { force: true });
    },
  };
}
