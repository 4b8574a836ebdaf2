import { planEnvironment } from "@waybill/core";
import type { RunPlan } from "@waybill/core";
import { runTag } from "./kill-processes.ts";

/** Where an agent's environment comes from. */
export interface EnvironmentOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly inheritEnv: readonly string[];
}

/** The names that an agent inherits where nothing else is said: none of them holds a secret. */
export const inheritedByDefault: readonly string[] = [
  "PATH",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "TZ",
  "TMPDIR",
];

/** The name in the environment by which the records of a process's run are found. */
export const controlTag = "WAYBILL_CONTROL";

/** The whole environment of an agent: later ones win, so that the plan's own cannot be replaced. */
export function agentEnvironment(
  options: EnvironmentOptions,
  plan: RunPlan,
): Record<string, string> {
  const inherited = options.inheritEnv.flatMap((name): [string, string][] => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  return {
    ...Object.fromEntries(inherited),
    ...options.env,
    ...planEnvironment(plan, "host"),
    [runTag]: plan.runId,
    [controlTag]: plan.control,
  };
}
