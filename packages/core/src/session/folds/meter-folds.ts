import type { MeterEvent } from "../../events/meter-events.ts";
import type { RunId } from "../../ids.ts";
import type { MeterMark } from "../../ports/gateway.ts";
import type { Draft } from "../draft.ts";
import type { RunCost } from "../totals.ts";
import type { FoldsOf } from "./fold.ts";

/** How what the gateway saw changes a session. */
export const meterFolds: FoldsOf<MeterEvent> = {
  ModelUsageRecorded(draft, data) {
    const { state } = draft;
    advance(draft, data.reading);
    const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = data;
    const tokens = inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
    state.totals = { ...state.totals, meteredTokens: state.totals.meteredTokens + tokens };
    if (data.costUsd !== null) meter(draft, data.runId, data.costUsd);
  },
  GatewayRequestRefused(draft, data) {
    const { state } = draft;
    advance(draft, data.reading);
    const refusedRequests = state.totals.refusedRequests + data.count;
    state.totals = { ...state.totals, refusedRequests };
  },
};

/**
 * Adds what the agent says that its conversation cost. Where the gateway has spoken of the run, only
 * the figure is kept, for runs that come without one.
 */
export function claimCost(draft: Draft, runId: RunId, figure: number | null): void {
  if (figure === null) return;
  const { totals } = draft.state;
  // A conversation's figure only grows; one that is lower is another conversation's.
  const isOther = figure < totals.conversationUsd;
  const claimed = isOther ? figure : figure - totals.conversationUsd;
  const cost = costOf(draft, runId);
  const counts = cost.metered ? 0 : claimed;
  draft.state.totals = {
    ...totals,
    costUsd: totals.costUsd + counts,
    conversationUsd: figure,
  };
  setCost(draft, runId, { ...cost, claimedUsd: cost.claimedUsd + counts });
}

/** The gateway's figure takes the place of what the agent had claimed for this run before. */
function meter(draft: Draft, runId: RunId, usd: number): void {
  const { totals } = draft.state;
  const { claimedUsd } = costOf(draft, runId);
  draft.state.totals = { ...totals, costUsd: totals.costUsd - claimedUsd + usd };
  setCost(draft, runId, { claimedUsd: 0, metered: true });
}

function costOf({ state }: Draft, runId: RunId): RunCost {
  return state.costs.get(runId) ?? { claimedUsd: 0, metered: false };
}

/** Only for runs of which more may be heard. */
function setCost(draft: Draft, runId: RunId, cost: RunCost): void {
  const { run, remains } = draft.state;
  if (run?.trace.runId === runId || remains.has(runId)) draft.edit("costs").set(runId, cost);
}

function advance({ state }: Draft, { ledger, seq }: MeterMark): void {
  state.metered = { ...state.metered, [ledger]: seq };
}
