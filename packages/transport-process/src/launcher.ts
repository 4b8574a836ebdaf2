/*
 * The program between an orchestrator and an agent: it claims the run id, starts the agent, outlives
 * the orchestrator, and records how the agent ended. Its command line tells owner, run id and
 * control folder; everything else comes on standard input. Here and in what this file imports,
 * nothing but Node itself is needed at run time.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { accessSync, closeSync, constants, openSync, writeSync } from "node:fs";
import type { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { createExclusive, errorCode } from "./exclusive-file.ts";
import { killProcesses } from "./kill-processes.ts";
import { parseOrder } from "./launch-order.ts";
import type { LaunchOrder, LaunchReport } from "./launch-order.ts";
import { watchLease } from "./lease-watch.ts";
import { thisPlace } from "./place.ts";
import { processTable } from "./process-table.ts";
import { runFiles } from "./records.ts";
import type { AgentRecord, Claim } from "./records.ts";

const table = processTable();
let agent: ChildProcess | null = null;
let asked = false;

// From before the claim on: whoever is recorded as the launcher of a run can be asked to end it.
process.on("SIGTERM", () => endAgent("SIGTERM"));
process.on("SIGHUP", () => undefined);
process.on("SIGINT", () => undefined);

await main();

function endAgent(signal: "SIGTERM" | "SIGKILL"): void {
  asked = true;
  agent?.kill(signal);
}

async function main(): Promise<void> {
  const order = parseOrder(await text(process.stdin));
  // The orchestrator died while it wrote: nothing is claimed, so another start can have the run.
  if (order === null) return;
  let claimed = false;
  try {
    const lease = order.lease === null ? null : watchLease(order.lease);
    // Nothing is claimed: whoever holds the session extends the lease and starts the run again.
    if (lease?.hasEnded()) throw new Error("its lease has ended");
    const streams = openStreams(order);
    const claim = await claimRun(order);
    if (claim === null) return report({ type: "lost" });
    claimed = true;
    lease?.enforce(endAgent);
    const exit = await runAgent(order, streams, claim);
    const why = lease?.close() ? { detail: "Nobody renewed its lease, so it was ended." } : {};
    await recordExit(order, claim, { ...exit, ...why });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    report({ type: "failed", claimed, code: errorCode(error), message });
    if (claimed) await recordExit(order, null, { exitCode: null, signal: null, detail: message });
  }
}

interface Ending {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly detail?: string;
}

interface Streams {
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
}

/** Before the claim: a plan whose files cannot be opened can be mended and started again. */
function openStreams(order: LaunchOrder): Streams {
  accessSync(order.cwd, constants.X_OK);
  return {
    stdin: openSync(order.stdin, "r"),
    stdout: openSync(order.stdout, "a", 0o600),
    stderr: openSync(order.stderr, "a", 0o600),
  };
}

/** Exactly one launcher of a run id ever gets a claim; the others get null. */
async function claimRun(order: LaunchOrder): Promise<Claim | null> {
  const self = table.find(process.pid);
  if (self === null) throw new Error("The launcher does not find itself in the process table.");
  const launcher = { pid: self.pid, startTime: self.startTime };
  const claim: Claim = { run: order.run, token: randomUUID(), launcher, place: thisPlace() };
  const files = runFiles(order.run);
  if (!(await createExclusive(files.marker, claim))) return null;
  // The agent can write where the marker lies, and could remove it; not this one.
  return (await createExclusive(files.claim, claim)) ? claim : null;
}

/**
 * The shell waits for a word before it becomes the agent. If the launcher is killed before the
 * agent's process is recorded, the word never comes: no agent ever runs that nobody knows of.
 */
async function runAgent(order: LaunchOrder, streams: Streams, claim: Claim): Promise<Ending> {
  const limits = order.limits.map((limit) => `ulimit ${limit} || exit 126; `).join("");
  const wait = `read -r go <&3 || exit 126; exec 3<&-; ${limits}exec "$@"`;
  const child = spawn("/bin/sh", ["-c", wait, "waybill-agent", ...order.command], {
    cwd: order.cwd,
    env: order.env,
    // A session of its own: TERM goes to the agent alone, and its sessions are known by its pid.
    detached: true,
    stdio: [streams.stdin, streams.stdout, streams.stderr, "pipe"],
  });
  const ended = once(child, "exit");
  agent = child;
  await Promise.race([once(child, "spawn"), ended]);
  for (const descriptor of Object.values(streams)) closeSync(descriptor);
  await recordAgent(order, claim, child);
  report({ type: "started", pid: child.pid ?? 0 });
  const [exitCode, signal]: unknown[] = await ended;
  return {
    exitCode: typeof exitCode === "number" ? exitCode : null,
    signal: typeof signal === "string" ? signal : null,
  };
}

async function recordAgent(order: LaunchOrder, claim: Claim, child: ChildProcess): Promise<void> {
  const entry = table.find(child.pid ?? 0);
  // Gone already (somebody killed the shell): its exit tells.
  if (entry === null) return;
  const record: AgentRecord = { pid: entry.pid, startTime: entry.startTime, token: claim.token };
  await createExclusive(runFiles(order.run).agent, record);
  if (asked) return void child.kill("SIGTERM");
  const word = child.stdio[3] as Writable;
  // EPIPE: the shell was killed while it waited; its exit tells.
  word.on("error", () => undefined);
  word.end("go\n");
}

/** The orchestrator may be gone, or may have given up waiting; then nobody has to be told. */
function report(word: LaunchReport): void {
  try {
    writeSync(1, `${JSON.stringify(word)}\n`);
    closeSync(1);
    openSync("/dev/null", "w");
  } catch (error) {
    if (errorCode(error) !== "EPIPE" && errorCode(error) !== "EBADF") throw error;
  }
}

/** The end of an agent is the end of all that it started, as in a container. */
async function recordExit(order: LaunchOrder, claim: Claim | null, exit: Ending): Promise<void> {
  if (claim !== null) {
    const { launcher } = claim;
    await killProcesses(table, { runId: order.run.runId, launcher, agent: null });
  }
  // A full disk may have room again later, and nobody else knows how the agent ended.
  for (let left = 600; ; left -= 1) {
    try {
      await createExclusive(runFiles(order.run).exit, exit);
      return;
    } catch (error) {
      // Its folder was removed: nobody will ask.
      if (left === 0 || errorCode(error) === "ENOENT") throw error;
      await pause(1_000);
    }
  }
}
