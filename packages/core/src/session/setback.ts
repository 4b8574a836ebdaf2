import type { TurnEnded } from "../events/message-events.ts";
import type { Instant } from "../ids.ts";
import type { Setback } from "./state.ts";

/**
 * Why the turn has to be tried again: it failed for now, and settled none of its messages. Null where
 * it is over for good.
 */
export function setbackOf(
  { error, messageIds }: Pick<TurnEnded["data"], "error" | "messageIds">,
  at: Instant,
): Setback | null {
  if (error === null || messageIds.length > 0) return null;
  const { class: kind, code, message, resetsAt } = error;
  if (kind !== "transient" && kind !== "rate") return null;
  if (kind === "transient" || resetsAt === undefined)
    return { failure: { class: kind, code, message }, resetsAt: null };
  const retryAfterMs = Math.max(resetsAt - at, 0);
  return { failure: { class: kind, code, message, retryAfterMs }, resetsAt };
}
