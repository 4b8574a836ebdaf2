import type { EventRow } from "./board-events.ts";
import { refused } from "./exchange.ts";
import type { Answer } from "./exchange.ts";

const usualLimit = 200;
const largestLimit = 1000;

/** Where a reader of events stands: how many it has had. Null for a cursor that was never given. */
export function standOf(events: readonly EventRow[], after: string | null): number | null {
  if (after === null || after === "") {
    return 0;
  }
  // Cursors grow, so that the place is found by halving.
  let low = 0;
  let high = events.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const cursor = events[middle]?.cursor ?? "";
    if (cursor === after) {
      return middle + 1;
    }
    if (Number(cursor) < Number(after)) {
      low = middle + 1;
    } else {
      high = middle - 1;
    }
  }
  return null;
}

/** Answers `GET /api/v1/events`: a page of what happened after a cursor. */
export function eventPage(
  events: readonly EventRow[],
  query: URLSearchParams,
  websocket: boolean,
): Answer {
  const after = query.get("after");
  const asked = query.get("limit");
  const limit = asked === null ? usualLimit : Number(asked);
  if (!Number.isInteger(limit) || limit < 1 || limit > largestLimit) {
    return refused(422, "LIMIT_INVALID", `limit must be a whole number from 1 to ${largestLimit}.`);
  }
  const stand = standOf(events, after);
  if (stand === null) {
    return cursorUnknown(after);
  }
  const page = events.slice(stand, stand + limit);
  return {
    status: 200,
    body: {
      events: page,
      cursor: page.at(-1)?.cursor ?? (after === "" ? null : after),
      more: events.length > stand + page.length,
      websocket,
    },
  };
}

/** The refusal of a cursor that this board never gave. */
function cursorUnknown(after: string | null): Answer {
  return refused(410, "CURSOR_UNKNOWN", `This board never gave the cursor ${after ?? ""}.`);
}
