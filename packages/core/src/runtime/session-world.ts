import type { Instant, SessionId } from "../ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import type { Logger } from "../ports/logger.ts";
import type { Admission } from "./admission.ts";
import { authorise } from "./authorisation.ts";
import type { World } from "./carry-out.ts";
import type { OrchestratorOptions } from "./orchestrator.ts";
import type { SessionLoop } from "./session-loop.ts";
import type { Trackers } from "./trackers.ts";

/** What the sessions of an orchestrator share of the world. */
export interface WorldParts {
  readonly options: OrchestratorOptions;
  readonly trackers: Trackers;
  readonly admission: Admission;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly renewMs: number;
  /** When this process last knew that it holds the session. */
  readonly heldAt: (id: SessionId) => Instant | null;
}

/** The world as a session's effects see it; null where its agent is unknown here. */
export function sessionWorld(loop: SessionLoop, parts: WorldParts): World | null {
  const { options, trackers, admission, ids, logger, clock, renewMs } = parts;
  const { agent: named, priority, tenant } = loop.state;
  const { slug } = named;
  const agent = options.agents[slug];
  if (agent === undefined) return null;
  const place = { session: loop.id, agent: slug };
  return {
    owner: options.store.id,
    sessionId: loop.id,
    slug,
    agent,
    mailbox: options.mailbox,
    tracker: trackers.of(tenant),
    logger,
    clock,
    renewMs,
    heldAt: () => parts.heldAt(loop.id),
    report: (command) => loop.report(command),
    state: () => loop.state,
    authorise: (effect, signal) => authorise(options.authorise, loop.state, effect, signal),
    notice: (incoming) => loop.notice(incoming),
    admit: async (signal) => {
      await admission.request({ ...place, priority }, signal);
      try {
        await options.admit?.(place, signal);
        signal.throwIfAborted();
        const protocol = agent.protocol ?? (await agent.transport.check(signal)).protocol ?? 1;
        await loop.report({ type: "AdmitRun", runId: ids.run(), protocol });
      } finally {
        admission.giveBack(loop.id);
      }
    },
  };
}
