import type { RunHandle, RunSighting } from "@waybill/core";
import type { Container } from "../engine/container.ts";
import type { Place } from "../place.ts";
import { recordedEngine } from "../records/control.ts";
import { belongsTo, containerName } from "../records/labels.ts";
import { runExit } from "../run-exit.ts";
import { keepDiskQuota } from "./disk-quota.ts";
import type { ContainerWatcher, Sight } from "./container-watcher.ts";

/**
 * Follows a run until it has ended, is positively not there, or the signal aborts.
 *
 * @yields `running` once, then at most one of `exited` and `absent`.
 */
export async function* watchRun(
  place: Place,
  watcher: ContainerWatcher,
  run: RunHandle,
  signal: AbortSignal,
): AsyncGenerator<RunSighting, void, undefined> {
  const sights = latest<Sight>(signal);
  const over = new AbortController();
  const leave = watcher.watch(containerName(place.settings.namePrefix, run), sights.put);
  try {
    let told = false;
    for await (const sight of sights.values) {
      const sighting = await sightingOf(place, run, sight);
      if (sighting === null || (sighting.type === "running" && told)) continue;
      told = true;
      if (sight.container !== null && sighting.type === "running") {
        void keepDiskQuota(place, run, sight.container, over.signal);
      }
      yield sighting;
      if (sighting.type !== "running") return;
    }
  } finally {
    over.abort();
    leave();
  }
}

/** What a sight means for the run; null where it means nothing yet. */
async function sightingOf(
  { settings }: Place,
  run: RunHandle,
  sight: Sight,
): Promise<RunSighting | null> {
  if (sight.container === null) {
    const asked = await recordedEngine(run);
    if (asked === null || asked === sight.engineId) return { type: "absent" };
    settings.logger.warn(
      "Another engine answers than the one that has the run; waiting for that.",
      {
        runId: run.runId,
      },
    );
    return null;
  }
  // The name is unique: where somebody else's container has it, the run's is gone.
  if (!belongsTo(sight.container.labels, run)) return { type: "absent" };
  return await statusOf(run, sight.container);
}

async function statusOf(run: RunHandle, container: Container): Promise<RunSighting | null> {
  switch (container.status) {
    case "running":
    case "paused":
      return { type: "running" };
    case "ended": {
      const exit = await runExit(run, container);
      return { type: "exited", exit: exit ?? neverRan };
    }
    // A start may be under way, or be taken up again; a removal will end.
    case "created":
    case "removing":
      return null;
  }
}

const neverRan = {
  exitCode: null,
  signal: null,
  oomKilled: false,
  detail: "The container ended before the run's program began.",
} as const;

/** The last value put, for one reader: a sight that was overtaken by another is of no interest. */
function latest<T>(signal: AbortSignal): { put: (value: T) => void; values: AsyncIterable<T> } {
  let waiting: T[] = [];
  let wake = (): void => undefined;
  const values = async function* (): AsyncGenerator<T, void, undefined> {
    const onAbort = (): void => wake();
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        const [value] = waiting;
        waiting = [];
        if (value !== undefined) yield value;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  };
  return {
    put: (value) => {
      waiting = [value];
      wake();
    },
    values: values(),
  };
}
