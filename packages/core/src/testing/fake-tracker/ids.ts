import { WaybillError } from "../../errors.ts";
import type { TrackerOperation } from "../../ports/tracker.ts";

/** Throws `TRACKER_ID_INVALID` where an id of the operation cannot be the Tracker's. */
export function refuseBadIds(operation: TrackerOperation): void {
  const ids = [
    ...("chat" in operation ? [operation.chat] : []),
    ...("task" in operation ? [operation.task] : []),
    ...("after" in operation && operation.after !== undefined ? [operation.after] : []),
  ];
  for (const id of ids) {
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
      throw new WaybillError(
        "TRACKER_ID_INVALID",
        `${JSON.stringify(id.slice(0, 80))} cannot be an id: ids are 1 to 64 of A-Z a-z 0-9 _ and -.`,
      );
    }
  }
}
