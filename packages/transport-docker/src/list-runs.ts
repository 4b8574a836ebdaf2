import type { RunHandle } from "@waybill/core";
import type { Place } from "./place.ts";
import { handleOf, label } from "./records/labels.ts";

/** Every run with this owner's label that the engine has, dead or alive. */
export async function listRuns({ engine }: Place, owner: string): Promise<readonly RunHandle[]> {
  const containers = await engine.labelled(label.owner, owner);
  return containers
    .map((container) => handleOf(container.labels))
    .filter((handle): handle is RunHandle => handle?.owner === owner);
}
