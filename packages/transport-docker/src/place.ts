import { WaybillError } from "@waybill/core";
import type { RunHandle } from "@waybill/core";
import type { Container } from "./engine/container.ts";
import type { Engine } from "./engine/engine.ts";
import type { Known } from "./engine/known.ts";
import type { EngineInfo } from "./engine/info.ts";
import type { Settings } from "./options.ts";
import { recordedEngine } from "./records/control.ts";
import { belongsTo, containerName, label } from "./records/labels.ts";
import { readMarker } from "./records/marker.ts";

/** An engine and the settings: where runs live. */
export interface Place {
  readonly engine: Engine;
  readonly known: Known;
  readonly settings: Settings;
}

/**
 * The run's container, or null on positive evidence that this engine has none. Throws `NAME_TAKEN`
 * where something else has its name, and `ENGINE_CHANGED` where the engine that answers is not the
 * one that was asked for the run.
 */
export async function findContainer(place: Place, run: RunHandle): Promise<Container | null> {
  const name = containerName(place.settings.namePrefix, run);
  const [container] = await place.engine.containers([name]);
  if (container === undefined) {
    const engine = await place.engine.info();
    if (await isElsewhere(run, engine)) throw engineChanged(run, engine);
    return null;
  }
  if (belongsTo(container.labels, run)) return container;
  throw new WaybillError(
    "NAME_TAKEN",
    `The container ${name} is not the run ${run.runId} of this orchestrator. Remove it ("${place.engine.program} rm -f ${name}"), or set another namePrefix.`,
    { details: { container: container.id, name } },
  );
}

/** Whether the run was asked of another engine than this one, which then knows nothing of it. */
async function isElsewhere(run: RunHandle, engine: EngineInfo): Promise<boolean> {
  const recorded = await recordedEngine(run);
  return recorded !== null && recorded !== engine.id;
}

/** Whether this container's start line took the marker: it became the run's program. */
export async function holdsMarker(run: RunHandle, container: Container): Promise<boolean> {
  return (await readMarker(run)) === container.labels[label.token];
}

function engineChanged(run: RunHandle, engine: EngineInfo): WaybillError {
  return new WaybillError(
    "ENGINE_CHANGED",
    `The run ${run.runId} was started on another engine than ${engine.name}, which answers now. Point DOCKER_HOST or the context back to that engine.`,
    { class: "transient", details: { runId: run.runId, engine: engine.name } },
  );
}
