/** What a run's cost rests on: its agent's word, until the gateway has said something. */
export interface RunCost {
  /** US dollars that the agent claimed and that count. */
  readonly claimedUsd: number;
  /** The gateway says what the run costs: claims no longer count. */
  readonly metered: boolean;
}

/** Sums over the session's life. */
export interface Totals {
  readonly messages: number;
  readonly runs: number;
  readonly turns: number;
  readonly operations: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /**
   * US dollars, over all runs: by the gateway's figures for runs that have any, else by what the
   * agent claims of its conversations.
   */
  readonly costUsd: number;
  /** US dollars: the present conversation's last figure, as the agent claims it. */
  readonly conversationUsd: number;
  /** Tokens of all kinds that gateways counted. */
  readonly meteredTokens: number;
  /** Requests that gateways refused. */
  readonly refusedRequests: number;
}

/** Before the first event. */
export const noTotals: Totals = {
  messages: 0,
  runs: 0,
  turns: 0,
  operations: 0,
  inputTokens: 0,
  outputTokens: 0,
  costUsd: 0,
  conversationUsd: 0,
  meteredTokens: 0,
  refusedRequests: 0,
};
