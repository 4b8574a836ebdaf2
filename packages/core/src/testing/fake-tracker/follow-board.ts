import { WaybillError } from "../../errors.ts";
import type { TrackerEvent } from "../../ports/tracker-event.ts";
import type { FakeBoard } from "./board.ts";

/** The board's events after a cursor, then what happens, until the signal aborts. */
export async function* followBoard(
  board: FakeBoard,
  after: string | null,
  signal: AbortSignal,
): AsyncGenerator<TrackerEvent, void, undefined> {
  let stand = after === null ? 0 : board.events.findIndex(({ cursor }) => cursor === after) + 1;
  if (after !== null && stand === 0) {
    throw new WaybillError(
      "TRACKER_CURSOR_UNKNOWN",
      `The fake board never gave the cursor ${after}. Begin without one.`,
    );
  }
  while (!signal.aborted) {
    const event = board.events[stand];
    if (event === undefined) {
      await happened(board, signal);
    } else {
      stand += 1;
      yield event;
    }
  }
}

function happened(board: FakeBoard, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      off();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const off = board.onEvent(done);
    signal.addEventListener("abort", done);
  });
}
