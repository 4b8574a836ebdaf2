import type { MeterMarks, SpendingTerms } from "../ports/gateway.ts";
import type { Session } from "./state.ts";

/** What a gateway is told of a session, and what is known of its books. */
export interface Spending {
  readonly terms: SpendingTerms;
  readonly metered: MeterMarks;
}

/**
 * What the session may cost and has cost, as its state says. Claims of runs of which the gateway may
 * still say better are left out: what it is told once it never counts less than.
 */
export function spendingOf({ budget, totals, costs, metered }: Session): Spending {
  let spentUsd = totals.costUsd;
  for (const { claimedUsd } of costs.values()) spentUsd -= claimedUsd;
  const { meteredTokens: spentTokens } = totals;
  return {
    terms: { capUsd: budget.capUsd, spentUsd: Math.max(spentUsd, 0), spentTokens },
    metered,
  };
}
