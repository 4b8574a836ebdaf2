import { planEnvironment } from "@waybill/core";
import type { RunPlan } from "@waybill/core";

/** The plan's environment as the run sees it, with a home that exists for a user without one. */
export function runEnvironment(plan: RunPlan): Readonly<Record<string, string>> {
  const environment = { HOME: "/tmp", ...planEnvironment(plan, "at") };
  for (const [name, value] of Object.entries(environment)) {
    if (!/^[^\s=#\0]+$/u.test(name) || value.includes("\0")) {
      throw new TypeError(`The run plan of ${plan.runId} has an impossible variable "${name}".`);
    }
  }
  return environment;
}
