import type {
  AgentBudgetExceeded,
  AgentBudgetRaised,
  BudgetRaised,
} from "../../events/session-events.ts";
import type { HoldForAgent, RaiseBudget, ReleaseForAgent } from "../command.ts";
import type { Decision } from "../decision.ts";
import { assertNotErased, unknownSession } from "./missing-session.ts";

/** Lets the session cost more. */
export function raiseBudget(decision: Decision, command: RaiseBudget): void {
  const { life, budget, totals } = decision.state;
  if (life.type === "unopened") throw unknownSession(decision);
  assertNotErased(decision);
  if (command.capUsd === budget.capUsd) return;
  if (command.capUsd !== null && command.capUsd <= totals.costUsd) {
    throw decision.refusal(
      "BUDGET_TOO_LOW",
      `Session ${decision.state.id} has cost $${totals.costUsd}; a cap of $${command.capUsd} would stop it at once. Give more, or null for no cap.`,
    );
  }
  decision.emit<BudgetRaised>("BudgetRaised", { capUsd: command.capUsd });
}

/** The agent's sessions together have cost what they may: nothing is handed over for now. */
export function holdForAgent(decision: Decision, command: HoldForAgent): void {
  const { life, budget } = decision.state;
  if (budget.agent !== null || (life.type !== "open" && life.type !== "closing")) return;
  const { spentUsd, capUsd } = command;
  decision.emit<AgentBudgetExceeded>("AgentBudgetExceeded", { spentUsd, capUsd });
}

/** The agent may cost more again. */
export function releaseForAgent(decision: Decision, { capUsd }: ReleaseForAgent): void {
  if (decision.state.budget.agent === null) return;
  decision.emit<AgentBudgetRaised>("AgentBudgetRaised", { capUsd });
}
