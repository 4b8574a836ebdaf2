import { planPath } from "@waybill/core";
import type { RunHandle, RunPlan, Started } from "@waybill/core";
import { agentEnvironment } from "./agent-environment.ts";
import type { EnvironmentOptions } from "./agent-environment.ts";
import { elsewhereError } from "./elsewhere-error.ts";
import { readOwn } from "./exclusive-file.ts";
import { findProgram } from "./find-program.ts";
import { folderChanges } from "./folder-changes.ts";
import { isForbidden } from "./forbid-run.ts";
import { launch } from "./launch.ts";
import type { LaunchOrder, LaunchReport } from "./launch-order.ts";
import { parseRef, runFiles } from "./records.ts";
import { limitArguments } from "./resource-limits.ts";
import type { ResourceLimits } from "./resource-limits.ts";
import { readRun } from "./run-state.ts";
import type { Here, RunState } from "./run-state.ts";
import {
  endedError,
  launcherError,
  protocolError,
  spawnError,
  timeoutError,
  unpreparedError,
} from "./start-errors.ts";

/** What `start` needs to know beside the plan. */
export interface StartOptions extends EnvironmentOptions {
  readonly command: readonly [string, ...string[]];
  readonly limits: ResourceLimits;
  readonly protocol: 0 | 1 | null;
  readonly startTimeoutMs: number;
}

/** Starts the run through a launcher of its own, or finds the one that has it. */
export async function startRun(
  here: Here,
  options: StartOptions,
  plan: RunPlan,
  signal?: AbortSignal,
): Promise<Started> {
  signal?.throwIfAborted();
  const before = await readRun(here, plan);
  if (before.type !== "none") return adopt(here, plan, options.startTimeoutMs, signal);
  if (await isForbidden(plan)) throw endedError(plan);
  if (options.protocol !== null && options.protocol !== plan.protocol) {
    throw protocolError(plan, options.protocol);
  }
  const report = await launchInTime(await orderFor(options, plan), options.startTimeoutMs, signal);
  if (report?.type === "started") {
    return { host: here.place.host, handle: String(report.pid), already: false };
  }
  if (report?.type === "lost") return adopt(here, plan, options.startTimeoutMs, signal);
  throw launcherError(plan, report);
}

/** Resolves once the process of a run that somebody else started exists, or has ended. */
async function adopt(
  here: Here,
  run: RunHandle,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Started> {
  using changes = folderChanges(run.control, signal);
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const state = await readRun(here, run);
    if (await isForbidden(run)) throw endedError(run);
    if (hasStarted(run, state)) {
      return { host: here.place.host, handle: await handleOf(run), already: true };
    }
    if (performance.now() > deadline) throw timeoutError(run, timeoutMs);
    await changes.next(50);
  }
}

/** False while its launcher is still at it. */
function hasStarted(run: RunHandle, state: RunState): boolean {
  switch (state.type) {
    case "alive":
      return state.agent !== null;
    case "dead":
    case "exited":
      return true;
    case "none":
      return false;
    case "forbidden":
      throw endedError(run);
    case "elsewhere":
      throw elsewhereError(run, state.claim);
    case "unknown":
      throw unpreparedError(run, state.why);
  }
}

/** The agent's pid, also once it has ended; a run whose agent was never executed has none. */
async function handleOf(run: RunHandle): Promise<string> {
  const ref = parseRef(await readOwn(runFiles(run).agent));
  return ref === null ? "none" : String(ref.pid);
}

async function orderFor(options: StartOptions, plan: RunPlan): Promise<LaunchOrder> {
  const env = agentEnvironment(options, plan);
  const [name, ...args] = options.command;
  const { owner, sessionId, runId, epoch, control, launch: place } = plan;
  return {
    run: { owner, sessionId, runId, epoch, control, launch: { host: place.host, at: place.at } },
    command: [await findProgram(name, env["PATH"]), ...args],
    cwd: planPath(plan, { folder: plan.cwd }, "host"),
    env,
    stdin: plan.stdin.host,
    stdout: plan.stdout.host,
    stderr: plan.stderr.host,
    limits: limitArguments(options.limits),
    lease: leaseOf(plan),
  };
}

function leaseOf({ lease }: RunPlan): LaunchOrder["lease"] {
  if (lease === undefined) return null;
  const { file, ms, graceMs } = lease;
  return { file: file.host, ms, graceMs };
}

async function launchInTime(
  order: LaunchOrder,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<LaunchReport | null> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await launch(order, signal === undefined ? timeout : AbortSignal.any([signal, timeout]));
  } catch (error) {
    if (error === timeout.reason) throw timeoutError(order.run, timeoutMs);
    if (signal?.aborted === true) throw error;
    throw spawnError(order.run, error);
  }
}
