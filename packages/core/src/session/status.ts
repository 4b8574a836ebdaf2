import type { Approval, Run, Session } from "./state.ts";

/** A session's state in a word, derived. */
export type SessionStatus =
  | "unopened"
  | "idle"
  | "queued"
  | "starting"
  | "running"
  | "asking"
  | "waiting"
  | "parked"
  | "closing"
  | "closed"
  | "stopped"
  | "erasing"
  | "erased";

/** The word for a session's state. Where several fit, the one that a person needs most. */
export function statusOf(session: Session): SessionStatus {
  if (session.life.type === "unopened") return "unopened";
  if (session.life.type === "ended") return session.life.outcome;
  if (session.life.type === "erasing" || session.life.type === "erased") return session.life.type;
  if (session.life.type === "closing") return "closing";
  if (session.parked !== null || isOverBudget(session)) return "parked";
  if (session.run === null) return session.messages.size > 0 ? "queued" : "idle";
  if (session.run.phase.type === "requested" || session.run.phase.type === "started")
    return "starting";
  if (waitsForPerson(session, session.run)) return "asking";
  if (session.run.turn !== null) return "running";
  return session.messages.size > 0 ? "waiting" : "idle";
}

/** What waits for a person, or for a function in a person's stead: not what the host's policy has yet to judge. */
export function askedOfPeople({ approvals }: Pick<Session, "approvals">): readonly Approval[] {
  return [...approvals.values()].filter(({ unauthorised }) => unauthorised === undefined);
}

/** Whether the run's turn waits for what it asked of a person. */
export function waitsForPerson({ approvals }: Session, { turn, trace }: Run): boolean {
  if (turn === null) return false;
  for (const { turnId, operation, unauthorised } of approvals.values()) {
    const isThisTurns = turnId === turn.id && operation.runId === trace.runId;
    if (isThisTurns && unauthorised === undefined) return true;
  }
  return false;
}

/** Whether the session, or all of its agent together, have cost what they may. */
export function isOverBudget({ budget }: Pick<Session, "budget">): boolean {
  return budget.exceeded || budget.agent !== null;
}

/** Whether nothing is in hand: no message, no turn, no operation. */
export function isIdle(session: Session): boolean {
  return (
    session.messages.size === 0 &&
    session.outbox.size === 0 &&
    session.approvals.size === 0 &&
    (session.run === null || session.run.turn === null)
  );
}
