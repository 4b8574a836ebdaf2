import type { Instant, RunId } from "../ids.ts";
import { isSamePlace } from "../ports/site.ts";
import type { RunTrace, Session } from "./state.ts";

/**
 * What a loaded machine may be late with the end that its lease demands, in milliseconds: its look at
 * the clock, and the death of its last process.
 */
const slackMs = 15_000;

/** Whether the session's run lives, or may live, on a host that its owner does not reach. */
export function isAway(session: Session): boolean {
  const { run } = session;
  return run !== null && run.phase.type !== "over" && isOutOfReach(session, run.trace);
}

/** Whether the owner reaches no more than the folders of this run. */
export function isOutOfReach({ owner }: Pick<Session, "owner">, { site }: RunTrace): boolean {
  return !isSamePlace(site?.host ?? null, owner?.site?.host ?? null);
}

/**
 * When a run that is away has ended for certain, by its lease; null where it is not away or has none.
 *
 * Whoever renewed it last held the session's lease then, and that had ended before the present owner
 * took over. So it counts from there, by the owner's own clock: no two clocks are compared. Each
 * owner counts anew, since what another's clock said need not be true by this one's.
 */
export function leaseEnd(session: Session): { readonly runId: RunId; readonly at: Instant } | null {
  const { run, owner, policy } = session;
  if (run === null || owner === null || !isAway(session)) return null;
  const { runId, leaseMs } = run.trace;
  if (leaseMs === undefined) return null;
  return { runId, at: owner.since + leaseMs + policy.graceMs + slackMs };
}
