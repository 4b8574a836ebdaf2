import { readFileSync } from "node:fs";
import { join } from "node:path";
import { addAbortSignal } from "node:stream";
import { text } from "node:stream/consumers";
import { failureOf } from "@waybill/core";
import { checkpointCommand } from "./checkpoint/checkpoint-command.ts";
import { claudeSession } from "./claude/claude-session.ts";
import { exitCode } from "./exit-code.ts";
import { openHost } from "./host/open-host.ts";
import { withUpstreams } from "./host/with-upstreams.ts";
import { runAgent } from "./run-agent.ts";

/**
 * The program inside the container, from the start word to the exit code. Standard input says what
 * to do, standard error is for people, and standard output belongs to a protocol-0 host alone:
 * nothing else may write there.
 */
export async function program(): Promise<void> {
  console.log = console.error;
  console.info = console.error;
  const stopping = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => stopping.abort());
  }
  // An old host that stopped reading is gone.
  process.stdout.on("error", () => stopping.abort());
  process.exitCode = await run(stopping.signal);
  // Whatever still holds the process (a tool that waits for an answer) has nothing left to wait for.
  process.stdout.write("", () => process.exit());
}

async function run(signal: AbortSignal): Promise<number> {
  try {
    const { env } = process;
    const cwd = env["WAYBILL_WORKSPACE"] ?? process.cwd();
    const state = env["WAYBILL_STATE"] ?? join(cwd, ".waybill", "state");
    const [, , ...command] = process.argv;
    if (command.length > 0) {
      const print = (line: string): void => void process.stdout.write(`${line}\n`);
      await checkpointCommand(command, { workspace: cwd, state, print });
      return 0;
    }
    const host = await openHost({
      stdin: await text(addAbortSignal(signal, process.stdin)),
      env,
      cwd,
      print: (frame) => process.stdout.write(frame),
    });
    try {
      const reaching = await withUpstreams(env, log);
      await runAgent({
        host,
        agent: `waybill-agent/${version()}`,
        openSession: () =>
          claudeSession({
            start: host.start,
            state,
            cwd,
            env: reaching,
            isRoot: process.getuid?.() === 0,
            ask: (operation, options) => host.operation(operation, options),
            log,
          }),
        signal,
      });
    } finally {
      host.close();
    }
    return 0;
  } catch (error) {
    const failure = failureOf(error);
    log(`${failure.code}: ${failure.message}`);
    if (failure.code === "UNEXPECTED" && error instanceof Error) log(error.stack ?? "");
    return exitCode(failure.code);
  }
}

function log(message: string): void {
  console.error(`waybill-agent: ${message.trimEnd()}`);
}

function version(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  );
  const isNamed = typeof manifest === "object" && manifest !== null && "version" in manifest;
  return isNamed ? String(manifest.version) : "unknown";
}
