import type { JsonObject } from "../json.ts";
import type { TrackerOperation } from "./tracker.ts";

/**
 * Something that an agent asks of a person. No Tracker does it: whoever holds the session answers it
 * (`answer`, `grant`, `deny`), or its time runs out. It lasts as long as the turn that asks it.
 */
export type PersonOperation =
  /** A question. What is chosen or said is the answer. */
  | {
      readonly type: "person.ask";
      readonly question: string;
      /** Answers that the agent expects; a person may say something else. */
      readonly choices?: readonly string[];
    }
  /** Leave to use a tool, this once. */
  | {
      readonly type: "person.permit";
      readonly tool: string;
      /** What the tool would be given. Long texts may be cut, with a note. */
      readonly input: JsonObject;
      /** Why the agent may not simply use it. */
      readonly reason?: string;
    };

/** Something that an agent asks the host for: at the Tracker, or of a person. */
export type AgentOperation = TrackerOperation | PersonOperation;

/** Whether a person has to answer it. */
export function isPersonal(operation: AgentOperation): operation is PersonOperation {
  return operation.type === "person.ask" || operation.type === "person.permit";
}
