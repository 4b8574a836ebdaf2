import type { SessionEvent } from "../events/catalogue.ts";
import type { Instant } from "../ids.ts";
import type { SessionCommand, Timed } from "./command.ts";
import { passDeadlines } from "./deadlines.ts";
import { Decision } from "./decision.ts";
import { hear } from "./rules/hear.ts";
import { answerQuestion, decideApproval, redriveOperation } from "./rules/approval-rules.ts";
import { closeSession, openSession, ownSession, unpark } from "./rules/life-rules.ts";
import { holdForAgent, raiseBudget, releaseForAgent } from "./rules/budget-rules.ts";
import { eraseSession } from "./rules/erase-rules.ts";
import { meter } from "./rules/meter.ts";
import { interruptTurn, sendMessage } from "./rules/message-rules.ts";
import { redriveWord } from "./rules/operation-rules.ts";
import { failed, succeeded } from "./rules/outcome-rules.ts";
import { admitRun, runAbsent, runEnded, runSeen, stopRun } from "./rules/run-rules.ts";
import { abandonSite } from "./rules/site-rules.ts";
import { settle } from "./settle.ts";
import type { Session } from "./state.ts";

/**
 * The events that follow from the command: none for a repeat. Pure. Throws a `WaybillError` with a
 * code where the command is not allowed.
 */
export function decide(command: Timed, state: Session): readonly SessionEvent[] {
  return step(command, state).events;
}

/** A decision with the state that it leads to and the instant at which it was made. */
export interface Step {
  readonly events: readonly SessionEvent[];
  readonly state: Session;
  readonly now: Instant;
}

/** As `decide`, and the state after the events. */
export function step(command: Timed, state: Session): Step {
  const decision = new Decision(state, command.at);
  // What was due before the command came is decided before it.
  passDeadlines(decision, command.type === "Tick" ? command.seen : null);
  if (decision.events.length > 0) settle(decision);
  obey(decision, command);
  settle(decision);
  return { events: decision.events, state: decision.state, now: decision.now };
}

function obey(decision: Decision, command: SessionCommand): void {
  switch (command.type) {
    case "OpenSession":
      return openSession(decision, command);
    case "OwnSession":
      return ownSession(decision, command);
    case "AbandonSite":
      return abandonSite(decision, command);
    case "SendMessage":
      return sendMessage(decision, command);
    case "InterruptTurn":
      return interruptTurn(decision);
    case "CloseSession":
      return closeSession(decision, command);
    case "StopRun":
      return stopRun(decision, command);
    case "Unpark":
      return unpark(decision);
    case "EraseSession":
      return eraseSession(decision, command);
    case "RaiseBudget":
      return raiseBudget(decision, command);
    case "HoldForAgent":
      return holdForAgent(decision, command);
    case "ReleaseForAgent":
      return releaseForAgent(decision, command);
    case "DecideApproval":
      return decideApproval(decision, command);
    case "AnswerQuestion":
      return answerQuestion(decision, command);
    case "RedriveOperation":
      return redriveOperation(decision, command);
    case "RedriveWord":
      return redriveWord(decision, command);
    case "AdmitRun":
      return admitRun(decision, command);
    case "Succeeded":
      return succeeded(decision, command);
    case "Failed":
      return failed(decision, command);
    case "RunSeen":
      return runSeen(decision, command);
    case "RunEnded":
      return runEnded(decision, command);
    case "RunAbsent":
      return runAbsent(decision, command);
    case "Heard":
      return hear(decision, command);
    case "Metered":
      return meter(decision, command);
    case "Tick":
      return;
    default:
      command satisfies never;
  }
}
