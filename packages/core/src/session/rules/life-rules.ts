import type {
  CloseRequested,
  SessionOpened,
  SessionOwned,
  SessionReopened,
  SessionUnparked,
} from "../../events/session-events.ts";
import type { CloseSession, OpenSession, OwnSession } from "../command.ts";
import type { Decision } from "../decision.ts";
import { authoriseByScope } from "./authorise-rules.ts";
import { assertNotErased, unknownSession } from "./missing-session.ts";
import { assertInReach } from "./site-rules.ts";

/** Opens a session, or opens it again after it ended. */
export function openSession(decision: Decision, command: OpenSession): void {
  assertNotErased(decision);
  const { state } = decision;
  if (state.life.type === "unopened") {
    const { agent, conversation, scope, policy, priority, tenant, forkedFrom } = command;
    const facts = { agent, conversation, scope, policy, priority, tenant, forkedFrom };
    decision.emit<SessionOpened>("SessionOpened", facts);
    return;
  }
  if (state.agent.slug !== command.agent.slug) {
    throw decision.refusal(
      "AGENT_MISMATCH",
      `Session ${state.id} belongs to agent "${state.agent.slug}", not to "${command.agent.slug}". Open another session for it.`,
    );
  }
  if (state.tenant !== command.tenant) {
    throw decision.refusal(
      "TENANT_MISMATCH",
      `Session ${state.id} belongs to ${nameOf(state.tenant)}, not to ${nameOf(command.tenant)}. Open another session for it.`,
    );
  }
  if (state.life.type === "ended") decision.emit<SessionReopened>("SessionReopened", {});
  // What could not start is tried once more. A row of crashes, or a limit, is not over by opening.
  if (state.parked?.reason === "start_failed")
    decision.emit<SessionUnparked>("SessionUnparked", { reason: "opened" });
}

function nameOf(tenant: string | null): string {
  return tenant === null ? "no tenant" : `tenant "${tenant}"`;
}

/** Takes the session over. */
export function ownSession(decision: Decision, command: OwnSession): void {
  const { id, life, owner } = decision.state;
  if (life.type === "unopened") throw unknownSession(decision);
  if (life.type === "erased") return;
  const { owner: name, epoch, trackerKeys, authorises, site, runLeaseMs } = command;
  if (owner?.epoch === epoch && owner.name === name) return;
  if (owner !== null && owner.epoch >= epoch) {
    throw decision.refusal(
      "STALE_EPOCH",
      `Session ${id} is owned by ${owner.name} at epoch ${owner.epoch}; epoch ${epoch} is not higher.`,
    );
  }
  assertInReach(decision, site);
  decision.emit<SessionOwned>("SessionOwned", {
    owner: name,
    epoch,
    trackerKeys,
    ...(authorises === undefined ? {} : { authorises }),
    ...(site === undefined ? {} : { site }),
    ...(runLeaseMs === undefined ? {} : { runLeaseMs }),
  });
  if (authorises === undefined) authoriseByScope(decision);
}

/** Begins to end the session. */
export function closeSession(decision: Decision, command: CloseSession): void {
  const { life, position, policy } = decision.state;
  if (life.type === "unopened") throw unknownSession(decision);
  if (life.type !== "open" && life.type !== "closing") return;
  const already =
    life.type === "closing" && (life.outcome === "stopped" || command.outcome === "closed");
  if (already) return;
  decision.emit<CloseRequested>("CloseRequested", {
    through: command.outcome === "closed" ? position : 0,
    outcome: command.outcome,
    until: decision.now + policy.closeMs,
  });
}

/** Starts runs again. */
export function unpark(decision: Decision): void {
  if (decision.state.parked !== null) {
    decision.emit<SessionUnparked>("SessionUnparked", { reason: "asked" });
  }
}
