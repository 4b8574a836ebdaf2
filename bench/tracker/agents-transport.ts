import { fork } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { planEnvironment } from "@waybill/core";
import type { RunHandle, RunExit, RunSighting, Transport } from "@waybill/core";

const exit: RunExit = { exitCode: 0, signal: null, oomKilled: false };

/**
 * Runs that are no processes of their own but guests of one: fifty processes on a small machine
 * would measure the machine. Everything else on the way of a word is as it always is.
 */
export function agentsTransport(): Transport {
  const child = fork(fileURLToPath(new URL("agents.ts", import.meta.url)), {
    execArgv: ["--conditions=@waybill/source"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const runs = new Map<
    string,
    { readonly handle: RunHandle; readonly over: PromiseWithResolvers<void> }
  >();
  child.on("message", (message: { runId: string; failed: string | null }) => {
    if (message.failed !== null) process.stderr.write(`${message.failed}\n`);
    runs.get(message.runId)?.over.resolve();
  });
  const over = (run: RunHandle): Promise<void> =>
    runs.get(run.runId)?.over.promise ?? Promise.resolve();

  return {
    kind: "bench",
    runsAs: "host",
    check: async () => ({ protocol: 1, host: "bench" }),
    start: async (plan) => {
      const already = runs.has(plan.runId);
      if (!already) {
        runs.set(plan.runId, { handle: plan, over: Promise.withResolvers() });
        child.send({
          runId: plan.runId,
          env: planEnvironment(plan, "host"),
          stdin: await readFile(plan.stdin.host, "utf8"),
        });
      }
      return { host: "bench", handle: plan.runId, already };
    },
    async *watch(run, signal): AsyncGenerator<RunSighting> {
      yield { type: "running" };
      const aborted = new Promise<"aborted">((resolve) => {
        signal.addEventListener("abort", () => resolve("aborted"), { once: true });
      });
      if ((await Promise.race([over(run), aborted])) !== "aborted") yield { type: "exited", exit };
    },
    stop: async (run) => {
      runs.get(run.runId)?.over.resolve();
      return exit;
    },
    remove: async () => {},
    list: async () => [],
    close: async () => void child.kill(),
  };
}
