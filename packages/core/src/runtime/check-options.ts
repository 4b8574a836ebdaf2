import { WaybillError } from "../errors.ts";
import type { AgentSpec } from "./agent-spec.ts";

/** Throws where an agent's slug or name cannot be used. */
export function checkAgents(agents: Readonly<Record<string, AgentSpec>>): void {
  if (Object.keys(agents).length === 0) {
    throw new WaybillError("NO_AGENTS", "No agent is configured. Pass at least one in `agents`.");
  }
  for (const [slug, { name }] of Object.entries(agents)) {
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(slug)) {
      throw new WaybillError(
        "BAD_SLUG",
        `"${slug}" cannot be an agent's slug. Use 1 to 40 of a-z, 0-9 and "-", a letter first; a name in any script goes into \`name\`.`,
        { details: { slug } },
      );
    }
    if (typeof name !== "string" || name.trim() === "" || /\p{Cc}/u.test(name)) {
      throw new WaybillError(
        "BAD_NAME",
        `Agent "${slug}" needs a name without control characters; it has ${JSON.stringify(name)}.`,
        { details: { slug } },
      );
    }
  }
}

/** Throws where a session's id cannot be used. */
export function checkSessionId(id: string): void {
  if (typeof id === "string" && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(id)) return;
  throw new WaybillError(
    "BAD_SESSION_ID",
    `${JSON.stringify(id)} cannot be a session's id. Use 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-", a letter or digit first.`,
    { details: { id } },
  );
}

/** The agent of this slug. Throws `AGENT_UNKNOWN` where there is none. */
export function agentNamed(agents: Readonly<Record<string, AgentSpec>>, slug: string): AgentSpec {
  const agent = agents[slug];
  if (agent !== undefined) return agent;
  const known = Object.keys(agents).join(", ");
  throw new WaybillError(
    "AGENT_UNKNOWN",
    `There is no agent "${slug}". Known agents: ${known}. Add it to \`agents\` or use one of these.`,
  );
}
