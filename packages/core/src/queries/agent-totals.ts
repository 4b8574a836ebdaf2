import type { AgentSlug } from "../ids.ts";
import type { TurnOutcome } from "../ports/agent-word.ts";
import type { SessionRecord } from "../runtime/session-record.ts";
import { failureOfRun } from "../session/rules/finish-run.ts";
import type { Session } from "../session/state.ts";
import type { Totals } from "../session/totals.ts";

/** What the sessions of an agent amount to. */
export interface AgentTotals extends Omit<Totals, "conversationUsd"> {
  readonly sessions: number;
  /** How many turns ended how. */
  readonly outcomes: Readonly<Record<TurnOutcome, number>>;
  /** Runs that could not be started, crashed, or were stopped because they went wrong. */
  readonly failedRuns: number;
  readonly operationsDelivered: number;
  readonly operationsRejected: number;
  readonly operationsAbandoned: number;
}

type Tally = { -readonly [Key in keyof AgentTotals]: AgentTotals[Key] };

/** Sums over agents, kept up event by event. */
export class AgentTallies {
  readonly #tallies = new Map<AgentSlug, Tally>();

  /** By slug, in the order in which the agents came. */
  get totals(): ReadonlyMap<AgentSlug, AgentTotals> {
    return this.#tallies;
  }

  /** Takes in an event of a session, with the session before and after it. */
  take(event: SessionRecord, before: Session, after: Session): void {
    const tally = this.#tallyOf(after.agent.slug);
    for (const sum of summed) tally[sum] += after.totals[sum] - before.totals[sum];
    switch (event.type) {
      case "SessionErased":
        // In the store the tombstone is all that is left: then it is the first that is heard of it.
        if (before.life.type === "unopened") tally.sessions += 1;
        return;
      case "SessionOpened":
        tally.sessions += 1;
        return;
      case "TurnEnded":
        tally.outcomes = {
          ...tally.outcomes,
          [event.data.outcome]: tally.outcomes[event.data.outcome] + 1,
        };
        return;
      case "RunDrained":
        if (failureOfRun(before) !== null) tally.failedRuns += 1;
        return;
      case "OperationDelivered":
        tally.operationsDelivered += 1;
        return;
      case "OperationRejected":
        tally.operationsRejected += 1;
        return;
      case "OperationAbandoned":
        tally.operationsAbandoned += 1;
        break;
      default:
    }
  }

  #tallyOf(slug: AgentSlug): Tally {
    const known = this.#tallies.get(slug);
    if (known !== undefined) return known;
    const fresh: Tally = {
      sessions: 0,
      messages: 0,
      runs: 0,
      turns: 0,
      operations: 0,
      inputTokens: 0,
      outputTokens: 0,
      costUsd: 0,
      meteredTokens: 0,
      refusedRequests: 0,
      outcomes: { completed: 0, failed: 0, interrupted: 0, exhausted: 0 },
      failedRuns: 0,
      operationsDelivered: 0,
      operationsRejected: 0,
      operationsAbandoned: 0,
    };
    this.#tallies.set(slug, fresh);
    return fresh;
  }
}

const summed = [
  "messages",
  "runs",
  "turns",
  "operations",
  "inputTokens",
  "outputTokens",
  "costUsd",
  "meteredTokens",
  "refusedRequests",
] as const satisfies readonly (keyof Totals & keyof AgentTotals)[];
