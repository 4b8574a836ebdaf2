import type { TurnOutcome } from "../../ports/agent-word.ts";
import type { TrackerOperation } from "../../ports/tracker.ts";

/** One thing that a fake agent does when it has a message. */
export type Step =
  /** Ends the turn. */
  | { readonly type: "reply"; readonly text: string; readonly outcome: TurnOutcome; readonly costUsd?: number }
  /** Asks the host for something at the board and waits for the answer. */
  | { readonly type: "operation"; readonly operation: TrackerOperation }
  /** The process ends in mid-turn. 137 is a kill: no exit code is known then. */
  | { readonly type: "exit"; readonly code: number }
  /** Nothing more happens in this run. */
  | { readonly type: "hang" };

/** Answers and ends the turn. */
export function reply(
  text: string,
  options: { readonly outcome?: TurnOutcome; readonly costUsd?: number } = {},
): Step {
  const { outcome = "completed", costUsd } = options;
  return { type: "reply", text, outcome, ...(costUsd === undefined ? {} : { costUsd }) };
}

/** Asks for something at the board. */
export function operation(request: TrackerOperation): Step {
  return { type: "operation", operation: request };
}

/** Posts to a chat. */
export function chat(id: string, content: string): TrackerOperation {
  return { type: "chat.send", chat: id, content };
}

/** Ends the process in mid-turn. */
export function exit(code: number): Step {
  return { type: "exit", code };
}

/** Does nothing more. */
export function hang(): Step {
  return { type: "hang" };
}
