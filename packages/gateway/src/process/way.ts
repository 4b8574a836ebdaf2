import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { WaySpec } from "../way-spec.ts";
import { FORWARDER_NAME, SOCKET_NAME, wayFolder } from "../way-spec.ts";
import type { AuditLog } from "./audit-log.ts";
import type { Ledger } from "./books/ledger.ts";
import type { CredentialStore } from "./credential-store.ts";
import { forwarderText } from "./forwarder-file.ts";
import { leadsTo, listenAt } from "./listen-at.ts";
import type { UpstreamAgents } from "./upstream-agents.ts";
import { serveWay } from "./way-server.ts";

/** How long a closed server waits for its connections' last words, in turns of the event loop. */
const TURNS = 100;

/** What one run's way is made of. */
export interface WayOptions {
  readonly spec: WaySpec;
  readonly root: string;
  readonly audit: AuditLog;
  readonly agents: UpstreamAgents;
  readonly credentials: CredentialStore;
  /** The session's books, which its other runs share. */
  readonly ledger: Ledger;
  /** Called whenever the run asks for anything. */
  readonly heard: () => void;
}

/** An attached run: a socket in a folder of its own, and the HTTP server behind it. */
export interface Way {
  readonly spec: WaySpec;
  readonly inFlight: number;
  /** Holds from the next request on. False where the server itself would have to be another. */
  change(spec: WaySpec): boolean;
  /** Whether a client that looks for the socket would reach this server. */
  answers(): Promise<boolean>;
  /** Takes no new connection; what is in flight goes on. For a way that another one replaces. */
  retire(): void;
  /** Ends everything at once: the run is over. Resolves once all of it is on record. */
  close(): Promise<void>;
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
  if (spec.upstreams.length > 0) await putForwarder(path.join(folder, FORWARDER_NAME));

  let terms = spec;
  const { server, flights, settle } = serveWay({ ...options, terms: () => terms });
  const ino = await listenAt(server, file, spec.user);
  server.on("error", (error) => process.stderr.write(`${folder}: ${error.message}\n`));

  const close = async (): Promise<void> => {
    settle();
    server.close();
    server.closeAllConnections();
    // Connections say that they have ended in a later turn of the event loop.
    for (let turn = 0; flights.size > 0 && turn < TURNS; turn += 1) await nextTurn();
  };
  return {
    get spec() {
      return terms;
    },
    get inFlight() {
      return flights.size;
    },
    change: (next) => {
      const isSameServer =
        isDeepStrictEqual(next.limits, spec.limits) && isDeepStrictEqual(next.user, spec.user);
      terms = next;
      return isSameServer;
    },
    answers: async () => server.listening && (await leadsTo(file, ino)),
    retire: () => {
      settle();
      server.close();
      server.closeIdleConnections();
    },
    close,
    hide: async () => {
      await close();
      if (await leadsTo(file, ino)) await rm(file, { force: true });
    },
  };
}

/** For the run to read, and for nobody to change: its umask is not ours. */
async function putForwarder(file: string): Promise<void> {
  await writeFile(file, forwarderText());
  await chmod(file, 0o644);
}
