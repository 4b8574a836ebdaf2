import { createHash } from "node:crypto";
import type { AgentSlug, SessionId } from "../ids.ts";

/**
 * The session in which an agent works on a task or answers in a chat: always the same one. An id of
 * the board that does not fit into a session's id is hashed.
 */
export function dispatchedSession(
  kind: "task" | "chat",
  target: string,
  agent: AgentSlug,
  tenant: string | null = null,
): SessionId {
  // A slug has no dot, so that no two pairs make one id.
  const id = `${kind}-${target}.${agent}`;
  if (tenant === null && /^[A-Za-z0-9._-]{1,64}$/.test(id)) return id;
  // Two boards may have a task of the same id.
  const parts = [kind, target, agent, ...(tenant === null ? [] : [tenant])];
  const digest = createHash("sha256").update(parts.join("\n")).digest("hex");
  return `${kind}-x-${digest.slice(0, 32)}`;
}
