import type { OperationId, RunId, SessionId } from "../ids.ts";
import type { Operation, Session } from "./state.ts";

/** The id of the operation that a run asked for in its word with this number. */
export function operationId(session: SessionId, run: RunId, seq: number): OperationId {
  return `${session}/${run}/${seq}`;
}

/** The parts of an operation's id. */
export function operationParts(id: OperationId): { readonly runId: RunId; readonly seq: number } {
  const [, runId = "", seq = "0"] = id.split("/");
  return { runId, seq: Number(seq) };
}

/** Where an operation that is not done yet stands. */
export interface FoundOperation {
  readonly target: string;
  readonly list: readonly Operation[];
  readonly index: number;
  readonly operation: Operation;
}

/** Finds an operation that is not done yet. */
export function findOperation(session: Session, id: OperationId): FoundOperation | undefined {
  for (const [target, list] of session.outbox) {
    const index = list.findIndex((operation) => operation.id === id);
    const operation = list[index];
    if (operation !== undefined) return { target, list, index, operation };
  }
  return undefined;
}

/** How many operations are not done yet. */
export function outboxSize(session: Session): number {
  let size = 0;
  for (const list of session.outbox.values()) size += list.length;
  return size;
}
