import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { CONTROL_VERSION } from "../control-words.ts";
import { controlSocket } from "../way-spec.ts";
import { openAuditLog } from "./audit-log.ts";
import { openLedgers } from "./books/ledgers.ts";
import { serveControl } from "./control-server.ts";
import type { ControlServer } from "./control-server.ts";
import { credentialStore } from "./credential-store.ts";
import { endWhenUnused } from "./end-when-unused.ts";
import { takeProcessLock } from "./process-lock.ts";
import { createWays } from "./ways.ts";

/** What the process is told at its start; none of it is secret. */
export interface GatewayProcessOptions {
  /** Absolute. */
  readonly root: string;
  /** How long to live on without an attached run, in milliseconds. */
  readonly idleMs: number;
  /** Ends the process, when all is closed and written. */
  readonly exit: () => void;
}

/**
 * Serves the attached runs of one root until nobody needs them. Resolves with `ready` once restored
 * runs are served again and orchestrators can connect, or with `busy` where another process serves.
 */
export async function runGatewayProcess(options: GatewayProcessOptions): Promise<"ready" | "busy"> {
  const { root, idleMs } = options;
  if (!path.isAbsolute(root) || !(idleMs > 0)) {
    throw new TypeError("Usage: main --root <absolute folder> --idle-ms <milliseconds>");
  }
  const lock = takeProcessLock(root);
  if (lock === null) return "busy";

  const audit = openAuditLog(path.join(root, "audit"));
  const ledgers = openLedgers(root);
  let control: ControlServer | null = null;
  const credentials = credentialStore(
    ({ keyring, name, upstream }) =>
      control?.notify({ notice: "credential-refused", keyring, name, upstream }) ?? false,
  );
  const ways = createWays({ root, audit, credentials, ledgers });
  await ways.restore();
  // For the person who has to end a process that no longer answers.
  await writeFile(path.join(root, "pid"), `${process.pid}\n`);

  const server = await serveControl({
    socket: controlSocket(root),
    hello: () => ({ version: CONTROL_VERSION, pid: process.pid, runs: ways.size }),
    attach: (call) => ways.attach(call),
    detach: (run) => ways.detach(run),
    erase: (session) => ways.erase(session),
    forget: (session) => ledgers.forget(session),
    credential: (placed) => credentials.set(placed, placed.credential),
    readings: ({ after, waitMs, ...session }) => ledgers.readings(session, after, waitMs),
    stop: () => void end(),
  });
  control = server;

  let ending = false;
  const end = async (): Promise<void> => {
    if (ending) return;
    ending = true;
    // First the name, so that nobody new comes, and last the lock, so that nobody starts too early.
    await server.close();
    await ways.close();
    await audit.flush();
    await rm(path.join(root, "pid"), { force: true });
    lock.release();
    options.exit();
  };
  const stopSignal = (): void => void end();
  process.on("SIGTERM", stopSignal).on("SIGINT", stopSignal);
  endWhenUnused({ idleMs, ways, control: server, end: stopSignal });
  return "ready";
}
