import { WaybillError } from "../errors.ts";
import type { Scope } from "../events/session-events.ts";
import type { AgentSlug, OperationId, SessionId } from "../ids.ts";
import type { TrackerOperation } from "../ports/tracker.ts";
import type { AuthoriseEffect, Verdict } from "../session/effect.ts";
import type { Session } from "../session/state.ts";
import { isInScope } from "../session/target.ts";

/** Something that an agent asks the host to do at the Tracker, before it is known whether it may. */
export interface AuthorisationAsked {
  readonly session: SessionId;
  readonly agent: AgentSlug;
  readonly tenant: string | null;
  /** What the session was opened for. */
  readonly scope: Scope;
  /** Whether the scope alone would allow it. */
  readonly inScope: boolean;
  readonly operationId: OperationId;
  readonly operation: TrackerOperation;
  /** What it touches: `chat:7`, `task:42`, or `board`. */
  readonly target: string;
}

/**
 * Says whether a session may do an operation: `true`, `false`, or "ask" for a person to decide. It is
 * asked in the place of the scope. Where it throws it is asked again later, and after a restart too;
 * the first answer that is recorded counts.
 */
export type AuthorisationPolicy = (
  asked: AuthorisationAsked,
  signal: AbortSignal,
) => Promise<boolean | "ask"> | boolean | "ask";

/** Asks the policy about one operation. An answer that is none allows nothing. */
export async function authorise(
  policy: AuthorisationPolicy | undefined,
  { id: session, agent, tenant, scope }: Session,
  { operationId, operation, target }: AuthoriseEffect,
  signal: AbortSignal,
): Promise<Verdict> {
  const asked = {
    session,
    agent: agent.slug,
    tenant,
    scope,
    inScope: isInScope(scope, operation),
    operationId,
    operation,
    target,
  };
  const said: unknown = await policy?.(asked, signal);
  if (said === true) return "allowed";
  if (said === false) return "forbidden";
  if (said === "ask") return "ask";
  throw new WaybillError(
    "AUTHORISATION_UNCLEAR",
    `authorise() said ${String(said)} about ${operationId}. Return true, false or "ask".`,
  );
}
