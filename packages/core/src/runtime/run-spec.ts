import type { RunSpec } from "../ports/run-plan.ts";
import type { RunTrace } from "../session/state.ts";
import type { World } from "./carry-out.ts";

/** What the mailbox is told of a run: the facts of its request, and the agent's configuration. */
export function specOf(world: World, run: RunTrace): RunSpec {
  const { owner, sessionId, slug, agent } = world;
  const { leaseMs: ms } = run;
  return {
    owner,
    sessionId,
    runId: run.runId,
    epoch: run.epoch,
    protocol: run.protocol,
    agent: { slug, name: agent.name },
    conversation: run.conversation,
    unsettled: run.unsettled,
    prompt: run.prompt?.text ?? null,
    config: agent.config ?? {},
    runsAs: agent.transport.runsAs,
    ...(ms === undefined ? {} : { lease: { ms, graceMs: world.state().policy.graceMs } }),
  };
}
