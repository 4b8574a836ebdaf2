import type { SessionId } from "../ids.ts";
import { defaultPolicy } from "./policy.ts";
import type { Restart, Session } from "./state.ts";
import { noTotals } from "./totals.ts";

/** No row of bad ends. */
export const noBadEnd: Restart = { failures: 0, limits: 0, dueAt: null };

/** The state before the first event. */
export function unopened(id: SessionId): Session {
  return {
    id,
    version: 0,
    now: 0,
    agent: { slug: "", name: "" },
    scope: { chats: [], tasks: [] },
    policy: defaultPolicy,
    priority: 0,
    tenant: null,
    forkedFrom: null,
    budget: { capUsd: null, exceeded: false, agent: null },
    conversation: { id: "", begun: false },
    life: { type: "unopened" },
    owner: null,
    folders: null,
    run: null,
    messages: new Map(),
    position: 0,
    outbox: new Map(),
    approvals: new Map(),
    deadLetters: new Map(),
    answers: new Map(),
    notes: new Map(),
    deferred: new Map(),
    remains: new Map(),
    costs: new Map(),
    metered: {},
    restart: noBadEnd,
    parked: null,
    totals: noTotals,
  };
}
