import type { Logger } from "../ports/logger.ts";
import type { OwnSession } from "../session/command.ts";
import type { Session } from "../session/state.ts";
import { agentNamed } from "./check-options.ts";
import { keysThatLast } from "./keys-that-last.ts";
import type { OrchestratorOptions } from "./orchestrator.ts";
import { siteOf } from "./site-of.ts";
import type { Trackers } from "./trackers.ts";

/** What an orchestrator takes a session over with. */
export interface OwnershipParts {
  readonly options: OrchestratorOptions;
  readonly trackers: Trackers;
  readonly logger: Logger;
  readonly lease: { readonly owner: string; readonly epoch: number };
}

/** What the log is to say of a new owner: its lease, what its Tracker can do, and what it reaches. */
export async function ownershipOf(
  session: Session,
  { options, trackers, logger, lease }: OwnershipParts,
): Promise<Omit<OwnSession, "type">> {
  const { mailbox, sharing, authorise, agents } = options;
  const { slug } = session.agent;
  const tracker = trackers.of(session.tenant);
  const site = await siteOf(slug, agentNamed(agents, slug), mailbox, logger);
  return {
    ...lease,
    trackerKeys: keysThatLast(tracker?.capabilities, session.policy),
    ...(authorise === undefined ? {} : { authorises: true }),
    ...(site === undefined ? {} : { site }),
    ...(sharing?.runLeaseMs === undefined ? {} : { runLeaseMs: sharing.runLeaseMs }),
  };
}
