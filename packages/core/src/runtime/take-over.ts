import { isWaybillError } from "../errors.ts";
import type { Lease } from "../ports/event-store.ts";
import type { Logger } from "../ports/logger.ts";
import type { OwnSession } from "../session/command.ts";
import type { Session } from "../session/state.ts";
import { agentNamed } from "./check-options.ts";
import type { Gain } from "./holdings.ts";
import { keysThatLast } from "./keys-that-last.ts";
import type { OrchestratorOptions } from "./orchestrator.ts";
import type { SessionLoop } from "./session-loop.ts";
import { siteOf } from "./site-of.ts";
import type { Trackers } from "./trackers.ts";

/** What an orchestrator takes a session over with. */
export interface TakeOverParts {
  readonly options: OrchestratorOptions;
  readonly trackers: Trackers;
  readonly logger: Logger;
  readonly lease: Lease;
}

/** Makes a session this orchestrator's under the lease that it got, where it can act for it. */
export async function takeOver(loading: Promise<SessionLoop>, parts: TakeOverParts): Promise<Gain> {
  try {
    const loop = await loading;
    await loop.own(await ownershipOf(loop.state, parts));
    return "owned";
  } catch (error) {
    // One session that cannot be read must not keep the others from going on.
    const details = { session: parts.lease.name, error: String(error) };
    parts.logger.error("A session could not be taken over.", details);
    return isWaybillError(error) && error.code === "OUT_OF_REACH" ? "out_of_reach" : "failed";
  }
}

/** What the log is to say of the new owner: its lease, what its Tracker can do, and what it reaches. */
async function ownershipOf(
  session: Session,
  { options, trackers, logger, lease }: TakeOverParts,
): Promise<Omit<OwnSession, "type">> {
  const { mailbox, sharing, authorise, agents } = options;
  const { slug } = session.agent;
  const tracker = trackers.of(session.tenant);
  const site = await siteOf(slug, agentNamed(agents, slug), mailbox, logger);
  return {
    owner: lease.owner,
    epoch: lease.epoch,
    trackerKeys: keysThatLast(tracker?.capabilities, session.policy),
    ...(authorise === undefined ? {} : { authorises: true }),
    ...(site === undefined ? {} : { site }),
    ...(sharing?.runLeaseMs === undefined ? {} : { runLeaseMs: sharing.runLeaseMs }),
  };
}
