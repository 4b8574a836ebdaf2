import { once } from "node:events";
import { createWriteStream } from "node:fs";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { runTag } from "./kill-processes.ts";
import { parseReport } from "./launch-order.ts";
import type { LaunchOrder, LaunchReport } from "./launch-order.ts";
import { runFiles } from "./records.ts";

/**
 * Starts a launcher, which outlives this process, and resolves with its report; with null where it
 * ended without one. Once the signal aborts it is no longer waited for, and goes on.
 */
export async function launch(
  order: LaunchOrder,
  signal: AbortSignal,
): Promise<LaunchReport | null> {
  const { owner, runId, control } = order.run;
  const log = createWriteStream(runFiles(order.run).log, { flags: "a", mode: 0o600 });
  await once(log, "open", { signal });
  try {
    const args = ["--disable-warning=ExperimentalWarning", launcherPath, owner, runId, control];
    const launcher = execa(process.execPath, args, {
      cwd: "/",
      env: launcherEnvironment(),
      extendEnv: false,
      detached: true,
      cleanup: false,
      reject: false,
      buffer: false,
      input: JSON.stringify(order),
      stdout: "pipe",
      stderr: log,
    });
    launcher.nodeChildProcess.unref();
    const line = await firstLine(launcher.stdout, signal);
    return parseReport(line);
  } finally {
    log.destroy();
  }
}

/** The launcher's program, from source or built. */
const launcherPath = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./launcher.ts" : "./launcher.js", import.meta.url),
);

/** Nothing of ours, but for the tag of the run that we ourselves may be part of: its end is ours. */
function launcherEnvironment(): Record<string, string> {
  const outer = process.env[runTag];
  return outer === undefined ? {} : { [runTag]: outer };
}

async function firstLine(stream: Readable, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const line = Promise.withResolvers<string>();
  const abort = (): void => line.reject(signal.reason);
  let text = "";
  signal.addEventListener("abort", abort, { once: true });
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text += chunk;
    if (text.includes("\n")) line.resolve(text);
  });
  stream.on("close", () => line.resolve(text));
  stream.on("error", () => line.resolve(text));
  try {
    return await line.promise;
  } finally {
    signal.removeEventListener("abort", abort);
    stream.destroy();
  }
}
