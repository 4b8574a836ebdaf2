import type { RunLost } from "../../events/run-events.ts";
import type { SiteAbandoned } from "../../events/session-events.ts";
import { isSamePlace, type Site } from "../../ports/site.ts";
import type { AbandonSite } from "../command.ts";
import type { Decision } from "../decision.ts";
import { assertNotErased, unknownSession } from "./missing-session.ts";

/**
 * Throws `OUT_OF_REACH` where the new owner could neither go on with the session nor know when its
 * run is gone. What it does not reach is left alone.
 */
export function assertInReach(decision: Decision, site: Site | undefined): void {
  const { id, folders, run } = decision.state;
  const reached = site?.folders ?? null;
  if (!isSamePlace(folders, reached)) {
    throw decision.refusal(
      "OUT_OF_REACH",
      `Session ${id} has its workspace and transcript in the folders ${folders}; this orchestrator's mailbox has the folders ${reached}. Give it the mailbox root where they lie, or, once they are gone for good, call abandonSite() of the session.`,
    );
  }
  const host = run?.trace.site?.host ?? null;
  const isThere = run !== null && run.phase.type !== "over" && run.trace.leaseMs === undefined;
  if (isThere && !isSamePlace(host, site?.host ?? null)) {
    throw decision.refusal(
      "OUT_OF_REACH",
      `The run of session ${id} lives on ${host}, which this orchestrator (on ${site?.host}) does not reach, and has no lease that would end it. Start an orchestrator there, or, once that host is gone for good, call abandonSite() of the session.`,
    );
  }
}

/** A person's word ends a run that nobody can look for, and frees the session of its folders. */
export function abandonSite(decision: Decision, { by }: AbandonSite): void {
  assertNotErased(decision);
  const { life, run, folders } = decision.state;
  if (life.type === "unopened") throw unknownSession(decision);
  const lives = run !== null && run.phase.type !== "over";
  if (!lives && folders === null) return;
  if (lives) decision.emit<RunLost>("RunLost", { runId: run.trace.runId, evidence: "word" });
  decision.emit<SiteAbandoned>("SiteAbandoned", { by, folders });
}
