import type { RunHandle, RunPlan } from "./run-plan.ts";

/** How a run's process ended, as the host saw it; never what the run said of itself. */
export interface RunExit {
  /** Null where no exit code is known: it was killed, or nobody saw it end. Never invented. */
  readonly exitCode: number | null;
  /** The signal's name, for example `SIGKILL`, where one is known to have ended it. */
  readonly signal: string | null;
  readonly oomKilled: boolean;
  /** A sentence, where there is more to say: the engine's error, for example. */
  readonly detail?: string;
}

/** What a transport tells of a run that it watches. */
export type RunSighting =
  /** The process is there. The first item of a watch that found it alive. */
  | { readonly type: "running" }
  /** The process is gone and this is how it ended. The last item. */
  | { readonly type: "exited"; readonly exit: RunExit }
  /**
   * Positive evidence that there is no such run: the same engine answered, completely booted, and
   * does not know it. The last item. Silence, or an engine that does not answer, is never this.
   */
  | { readonly type: "absent" };

/** What `start` found or did. */
export interface Started {
  /** The machine or engine that holds the run, for a person to find it again. */
  readonly host: string;
  /** The transport's own name of it: a container's id, a pid. */
  readonly handle: string;
  /** True where the run was there already. */
  readonly already: boolean;
}

/** What `check` found out about where runs will live. */
export interface TransportInfo {
  /** The wire protocol that the image or program says it speaks; null where it does not say. */
  readonly protocol: 0 | 1 | null;
  readonly host: string;
}

/**
 * Starts, finds, watches and stops runs. `transportContract` in `@waybill/core/testing` states each
 * promise as a test. Every failure is a `WaybillError` whose `class` says what a retry can do.
 */
export interface Transport {
  /** A word for logs: `docker`, `process`. */
  readonly kind: string;
  /** Whether runs get a user of their own. */
  readonly runsAs: "host" | "dedicated";

  /** Resolves if a run could start now; throws with a code and the fix otherwise. */
  check(signal?: AbortSignal): Promise<TransportInfo>;

  /**
   * Starts the run, or finds that it was started before; resolves once its process exists. Safe to
   * repeat and to race: one run id is started at most once in all of time, also after it was
   * stopped or removed (then it throws `RUN_ENDED`). A failed start may still have started it: only
   * `stop` tells.
   */
  start(plan: RunPlan, signal?: AbortSignal): Promise<Started>;

  /**
   * Follows a run from now on. Ends by itself after `exited` or `absent`, or when the signal aborts.
   * Rides out an engine that goes away for a while.
   */
  watch(run: RunHandle, signal: AbortSignal): AsyncIterable<RunSighting>;

  /**
   * Stops the run: asks (TERM to its first process), waits for `graceMs`, then kills it with all its
   * descendants. Resolves once it is certain that it neither runs nor can ever start, with how it
   * ended, or null where it never ran or nothing is left to tell. Safe to repeat.
   */
  stop(run: RunHandle, graceMs: number): Promise<RunExit | null>;

  /** Removes what is left of a run that has ended (its container). Safe to repeat. Keeps the marker. */
  remove(run: RunHandle): Promise<void>;

  /** Every run with this owner's mark that still exists here, dead or alive. */
  list(owner: string): Promise<readonly RunHandle[]>;

  /**
   * The name of the engine or machine that runs live on: two transports that give the same one watch
   * and stop the same runs. Default: nobody says, and every transport counts as reaching them.
   */
  site?(): Promise<string>;

  /** Lets go of watchers and connections, never of runs. */
  close(): Promise<void>;
}
