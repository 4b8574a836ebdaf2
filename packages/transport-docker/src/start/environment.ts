import { planEnvironment } from "@waybill/core";
import type { RunPlan } from "@waybill/core";

/** How the run's environment reaches the engine. */
export interface Environment {
  /** For a file of `NAME=value` lines: keeps paths and settings out of the process list. */
  readonly file: string;
  /** For arguments: values with line breaks, which such a file cannot carry. */
  readonly args: readonly string[];
}

/** The plan's environment as the run sees it, with a home that exists for a user without one. */
export function runEnvironment(plan: RunPlan): Environment {
  const environment = { HOME: "/tmp", ...planEnvironment(plan, "at") };
  const lines: string[] = [];
  const args: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (!/^[^\s=#\0]+$/u.test(name) || value.includes("\0")) {
      throw new TypeError(`The run plan of ${plan.runId} has an impossible variable "${name}".`);
    }
    if (/[\r\n]/u.test(value)) args.push(`--env=${name}=${value}`);
    else lines.push(`${name}=${value}\n`);
  }
  return { file: lines.join(""), args };
}
