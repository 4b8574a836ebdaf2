import type { Transport } from "@waybill/core";
import { checkPlace } from "./check-place.ts";
import { knownOf } from "./engine/known.ts";
import { whichEngine } from "./engine/which-engine.ts";
import { inTurn } from "./in-turn.ts";
import { listRuns } from "./list-runs.ts";
import { settingsOf } from "./options.ts";
import type { DockerTransportOptions } from "./options.ts";
import type { Place } from "./place.ts";
import { removeRun } from "./remove-run.ts";
import { startRun } from "./start/start-run.ts";
import { stopRun } from "./stop-run.ts";
import { containerWatcher } from "./watch/container-watcher.ts";
import { watchRun } from "./watch/watch-run.ts";

/**
 * A transport that runs each agent in a container of its own: detached, so that it outlives the
 * orchestrator; contained, so that it reaches nothing but its plan's folders; found again by labels.
 *
 * Throws a `TypeError` for options that can never work. The README lists the codes of the rest.
 */
export function dockerTransport(options: DockerTransportOptions): Transport {
  const settings = settingsOf(options);
  const engine = whichEngine(options);
  const watcher = containerWatcher(engine, settings.logger, () => known.forgetImages());
  const known = knownOf(engine, watcher.followingSince);
  const place: Place = { engine, known, settings };
  const closed = new AbortController();
  // More starts at once than processors gain nothing, and make each of them slower.
  const starting = inTurn(settings.startConcurrency);
  return {
    kind: "docker",
    runsAs: "dedicated",
    check: (signal) => checkPlace(place, signal),
    start: (plan, signal) => starting(() => startRun(place, plan, signal)),
    watch: (run, signal) => watchRun(place, watcher, run, AbortSignal.any([signal, closed.signal])),
    stop: (run, graceMs) => stopRun(place, run, graceMs),
    remove: (run) => removeRun(place, run),
    list: (owner) => listRuns(place, owner),
    site: async () => (await place.engine.info()).id,
    close: async () => {
      closed.abort();
      watcher.close();
    },
  };
}
