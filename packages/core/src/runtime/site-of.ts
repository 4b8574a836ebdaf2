import type { AgentSlug } from "../ids.ts";
import type { Logger } from "../ports/logger.ts";
import type { Mailbox } from "../ports/mailbox.ts";
import type { Site } from "../ports/site.ts";
import type { AgentSpec } from "./agent-spec.ts";

/**
 * What this orchestrator reaches for an agent; undefined where neither port says. Rejects where the
 * mailbox cannot say: then nothing is known of any run either.
 */
export async function siteOf(
  slug: AgentSlug,
  agent: AgentSpec,
  mailbox: Mailbox,
  logger: Logger,
): Promise<Site | undefined> {
  const folders = (await mailbox.site?.(slug)) ?? null;
  const host = await hostOf(agent, logger);
  return folders === null && host === null ? undefined : { host, folders };
}

/** An engine that does not answer is no reason to leave a session without an owner. */
async function hostOf({ transport }: AgentSpec, logger: Logger): Promise<string | null> {
  try {
    return (await transport.site?.()) ?? null;
  } catch (error) {
    logger.warn("A transport could not say where its runs live.", {
      transport: transport.kind,
      error: String(error),
    });
    return null;
  }
}
