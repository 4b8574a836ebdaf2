import type { TurnEnded } from "../events/message-events.ts";
import type { Instant } from "../ids.ts";
import type { Failure } from "../errors.ts";
import type { TurnOutcome } from "../ports/agent-word.ts";
import type { Run, Session, Setback } from "./state.ts";

/**
 * Why the turn has to be tried again: it failed for now, or was broken off, and settled none of its
 * messages. Null where it is over for good.
 */
export function setbackOf(
  { error, messageIds, outcome, turnId }: TurnEnded["data"],
  { run, messages }: Pick<Session, "run" | "messages">,
  at: Instant,
): Setback | null {
  if (messageIds.length > 0) return null;
  if (error === null) {
    const isOpen = [...messages.values()].some(
      (message) => message.at.type === "accepted" && message.at.turnId === turnId,
    );
    return isOpen && isBrokenOff(outcome, run) ? { failure: brokenOff, resetsAt: null } : null;
  }
  const { class: kind, code, message, resetsAt } = error;
  if (kind !== "transient" && kind !== "rate") return null;
  if (kind === "transient" || resetsAt === undefined)
    return { failure: { class: kind, code, message }, resetsAt: null };
  const retryAfterMs = Math.max(resetsAt - at, 0);
  return { failure: { class: kind, code, message, retryAfterMs }, resetsAt };
}

/**
 * Whether a turn was interrupted though nobody had asked for it: somebody ended the agent's process,
 * its engine for example, or its lease did. What it had in hand is not done.
 */
export function isBrokenOff(outcome: TurnOutcome, run: Run | null): boolean {
  if (outcome !== "interrupted" || run === null || run.stop !== null) return false;
  return run.turn !== null && run.turn.interruptUntil === null;
}

const brokenOff: Failure = {
  class: "transient",
  code: "TURN_BROKEN_OFF",
  message: "The agent was ended in the middle of its turn, and nobody had asked for it.",
};
