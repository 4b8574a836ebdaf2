import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import type { TransportTerms } from "./transport-orchestrator.ts";

/** An orchestrator that can be killed. */
export interface Victim {
  /** Resolves once it has its log and its runs. Rejects where it ends by itself before that. */
  readonly ready: Promise<void>;
  /** Resolves once all that its terms say is done. Rejects where it ends by itself before that. */
  readonly finished: Promise<void>;
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
  /** Resolves once it has ended by itself. */
  ended(): Promise<void>;
}

/** Starts another orchestrator on the terms. */
export function victim(terms: TransportTerms): Victim {
  const program = fileURLToPath(new URL("transport-orchestrator.ts", import.meta.url));
  const subprocess = execa(process.execPath, ["--conditions=@waybill/source", program], {
    input: JSON.stringify(terms),
    stderr: "inherit",
    buffer: false,
    reject: false,
  });
  const ready = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<void>();
  let killed = false;
  createInterface({ input: subprocess.stdout }).on("line", (line) => {
    if (line.includes('"ready"')) ready.resolve();
    if (line.includes('"finished"')) finished.resolve();
  });
  void subprocess.then(({ exitCode }) => {
    if (killed) return;
    const error = new Error(`The orchestrator ended by itself with exit code ${exitCode}.`);
    ready.reject(error);
    finished.reject(error);
  });
  // Whoever waits for one of them may never have waited for the other.
  for (const { promise } of [ready, finished]) promise.catch(() => undefined);
  return {
    ready: ready.promise,
    finished: finished.promise,
    kill: async () => {
      killed = true;
      subprocess.kill("SIGKILL");
      await subprocess;
    },
    ended: async () => {
      await subprocess;
    },
  };
}
