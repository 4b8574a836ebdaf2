import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { once } from "node:events";

import { planEnvironment, planPath } from "@waybill/core";
import type { RunPlan } from "@waybill/core";

/** A running agent program. */
export interface AgentProcess {
  readonly child: ChildProcess;
  /** Resolves with the exit code once it has ended. */
  readonly exited: Promise<number | null>;
}

/** Starts a program as a transport without walls would: the plan's files, folders and environment. */
export function startAgent(plan: RunPlan, command: string, args: readonly string[]): AgentProcess {
  const stdin = openSync(plan.stdin.host, "r");
  const stdout = openSync(plan.stdout.host, "a");
  const stderr = openSync(plan.stderr.host, "a");
  const child = spawn(command, args, {
    cwd: planPath(plan, { folder: plan.cwd }, "host"),
    env: { PATH: process.env["PATH"], ...planEnvironment(plan, "host") },
    stdio: [stdin, stdout, stderr],
  });
  for (const file of [stdin, stdout, stderr]) closeSync(file);
  return { child, exited: once(child, "exit").then(([code]) => code as number | null) };
}
