import type { Decision } from "../decision.ts";

/** The refusal of a command for a session that was never opened. */
export function unknownSession(decision: Decision): Error {
  const { id } = decision.state;
  return decision.refusal("SESSION_NOT_FOUND", `There is no session "${id}". Open it first.`);
}

/** Throws where the session was erased, or is being erased: its id is spent. */
export function assertNotErased(decision: Decision): void {
  const { id, life } = decision.state;
  if (life.type !== "erasing" && life.type !== "erased") return;
  throw decision.refusal(
    "SESSION_ERASED",
    `Session ${id} was erased, and its id with it. Open another session.`,
  );
}
