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
): SessionId {
  // A slug has no dot, so that no two pairs make one id.
  const id = `${kind}-${target}.${agent}`;
  if (/^[A-Za-z0-9._-]{1,64}$/.test(id)) return id;
  const digest = createHash("sha256").update(`${kind}\n${target}\n${agent}`).digest("hex");
  return `${kind}-x-${digest.slice(0, 32)}`;
}
