import type { ErasureRequested, SessionErased } from "../../events/session-events.ts";
import type { EraseSession } from "../command.ts";
import type { Decision } from "../decision.ts";
import { unknownSession } from "./missing-session.ts";

/** Begins to erase a session that has ended. */
export function eraseSession(decision: Decision, { by }: EraseSession): void {
  const { id, life } = decision.state;
  switch (life.type) {
    case "unopened":
      throw unknownSession(decision);
    case "open":
    case "closing":
      throw decision.refusal(
        "SESSION_OPEN",
        `Session ${id} has not ended, so it cannot be erased. Close or stop it first.`,
      );
    case "ended":
      return decision.emit<ErasureRequested>("ErasureRequested", { by });
    case "erasing":
    case "erased":
      return;
    default:
      life satisfies never;
  }
}

/** Everything outside of the store is gone: the tombstone takes the place of the events. */
export function erased(decision: Decision): void {
  const { life, agent, totals } = decision.state;
  if (life.type !== "erasing") return;
  const { conversationUsd: _, ...sums } = totals;
  decision.emit<SessionErased>("SessionErased", { agent, by: life.by, totals: sums });
}
