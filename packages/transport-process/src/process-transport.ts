import { WaybillError } from "@waybill/core";
import type { Logger, Transport } from "@waybill/core";
import { inheritedByDefault } from "./agent-environment.ts";
import { findProgram } from "./find-program.ts";
import { listRuns } from "./list-runs.ts";
import { thisPlace } from "./place.ts";
import { processTable } from "./process-table.ts";
import { removeRun } from "./remove-run.ts";
import type { ResourceLimits } from "./resource-limits.ts";
import type { Here } from "./run-state.ts";
import { startRun } from "./start-run.ts";
import { stopRun } from "./stop-run.ts";
import { warn } from "./warn.ts";
import { watchRun } from "./watch-run.ts";

/** How agents run as child processes. */
export interface ProcessTransportOptions {
  /** The agent's program and its arguments, the same for every run. Never put a secret here. */
  readonly command: readonly [string, ...string[]];
  /** Added to every agent's environment; the plan's own names win. Default: nothing. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Names that agents inherit from the host's environment; nothing else reaches them. Default:
   * PATH, LANG, LC_ALL, LC_CTYPE, TZ, TMPDIR.
   */
  readonly inheritEnv?: readonly string[];
  /** The wire protocol that the program speaks: no other is started. Default: null, nobody says. */
  readonly protocol?: 0 | 1 | null;
  /** Limits of every process of a run. Default: none but for core files, which are never written. */
  readonly limits?: ResourceLimits;
  /** How long `start` waits for the agent's process, in milliseconds. Default: 15,000. */
  readonly startTimeoutMs?: number;
  /** How often a watch looks at the processes, in milliseconds, 200 at least. Default: 500. */
  readonly pollMs?: number;
  readonly logger?: Logger;
}

/**
 * Runs agents as processes of this machine, which outlive the orchestrator. It contains nothing: an
 * agent may do whatever this user may.
 */
export function processTransport(options: ProcessTransportOptions): Transport {
  const here = lookAround();
  const closed = new AbortController();
  const watching = { pollMs: Math.max(options.pollMs ?? 500, 200), logger: options.logger };
  const starting = {
    command: options.command,
    env: options.env ?? {},
    inheritEnv: options.inheritEnv ?? inheritedByDefault,
    limits: options.limits ?? {},
    protocol: options.protocol ?? null,
    startTimeoutMs: options.startTimeoutMs ?? 15_000,
  };
  let warned = false;
  return {
    kind: "process",
    runsAs: "host",
    check: async (signal) => {
      signal?.throwIfAborted();
      const path = starting.env["PATH"] ?? process.env["PATH"];
      const program = await findProgram(options.command[0], path);
      if (!warned) warn(options.logger, containsNothing, { program });
      warned = true;
      return { protocol: starting.protocol, host: here().place.host };
    },
    start: async (plan, signal) => startRun(here(), starting, plan, signal),
    watch: (run, signal) =>
      watchRun(here(), watching, run, AbortSignal.any([signal, closed.signal])),
    stop: async (run, graceMs) => stopRun(here(), run, graceMs),
    remove: async (run) => removeRun(here(), run),
    list: async (owner) => listRuns(here(), owner),
    site: async () => here().place.host,
    close: async () => closed.abort(),
  };
}

const containsNothing =
  "transport-process contains nothing: an agent may read, change and send whatever this user may. Run only what you trust, or use transport-docker.";

/** Where we are, found out once and only when it is needed. */
function lookAround(): () => Here {
  let found: Here | null = null;
  return () => {
    if (process.platform !== "linux" && process.platform !== "darwin") {
      throw new WaybillError(
        "PLATFORM_UNSUPPORTED",
        `transport-process runs on Linux and macOS, not on ${process.platform}: use transport-docker.`,
        { details: { platform: process.platform } },
      );
    }
    found ??= { place: thisPlace(), table: processTable() };
    return found;
  };
}
