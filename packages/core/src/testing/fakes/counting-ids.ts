import type { Ids } from "../../ports/ids.ts";

/** Ids that count: the same test gives the same ones. */
export function countingIds(): Ids {
  let runs = 0;
  let uuids = 0;
  return {
    run: () => `run-${(runs += 1)}`,
    uuid: () => `00000000-0000-4000-8000-${String((uuids += 1)).padStart(12, "0")}`,
  };
}
