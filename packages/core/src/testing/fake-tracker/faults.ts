import { WaybillError } from "../../errors.ts";
import type { TrackerCall } from "../../ports/tracker.ts";
import { isQuestion } from "./board.ts";

/** A way in which a call to the fake Tracker goes wrong. */
export type FakeTrackerFault =
  /** The connection is cut, before or after the board did it. */
  | { readonly type: "cut"; readonly when: "before" | "after" }
  /** No answer until the call's signal aborts, before or after the board did it. */
  | { readonly type: "silent"; readonly when: "before" | "after" }
  /** The board does it, and answers what nobody can read. */
  | { readonly type: "garbled"; readonly when: "after" }
  /** Too many calls; nothing was done. */
  | { readonly type: "busy"; readonly retryAfterMs: number }
  /** The board is down; nothing was done. */
  | { readonly type: "unavailable" }
  /** The board does not know the token. */
  | { readonly type: "unauthorized" }
  /** The board refuses this call for good. */
  | { readonly type: "refused" };

/** The error of a fault. What may have been done is `unknown`, unless it was only a question. */
export function failureFor(fault: FakeTrackerFault, call: TrackerCall | null): WaybillError {
  const name = call === null ? "The check" : `The call ${call.key}`;
  const doubt = call === null || isQuestion(call.operation) ? "transient" : "unknown";
  switch (fault.type) {
    case "cut":
      return new WaybillError("TRACKER_CONNECTION_LOST", `${name} was cut off.`, { class: doubt });
    case "silent":
      return new WaybillError("TRACKER_CANCELLED", `${name} was cancelled without an answer.`, {
        class: doubt,
      });
    case "garbled":
      return new WaybillError("TRACKER_ANSWER_UNREADABLE", `The answer to ${name} is no answer.`, {
        class: doubt,
      });
    case "busy":
      return new WaybillError("TRACKER_RATE_LIMITED", `${name} came too soon: wait as it asks.`, {
        class: "rate",
        retryAfterMs: fault.retryAfterMs,
      });
    case "unavailable":
      return new WaybillError("TRACKER_UNAVAILABLE", `${name} found the board down: repeat it.`, {
        class: "transient",
      });
    case "unauthorized":
      return new WaybillError(
        "TRACKER_UNAUTHORIZED",
        "The board does not know the token: give another.",
      );
    case "refused":
      return new WaybillError("TRACKER_REFUSED", `${name} was refused: repeating it cannot help.`);
  }
}
