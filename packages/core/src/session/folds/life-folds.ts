import type { LifeEvent } from "../../events/session-events.ts";
import { noBadEnd, unopened } from "../unopened.ts";
import type { FoldsOf } from "./fold.ts";

/** How events about the session as a whole change it. */
export const lifeFolds: FoldsOf<LifeEvent> = {
  SessionOpened({ state }, data) {
    state.agent = data.agent;
    state.scope = data.scope;
    state.policy = data.policy;
    state.priority = data.priority;
    state.tenant = data.tenant;
    state.forkedFrom = data.forkedFrom;
    state.folders = data.forkedFrom?.folders ?? null;
    state.budget = { capUsd: data.policy.budgetUsd, exceeded: false, agent: null };
    state.conversation = { id: data.conversation, begun: false };
    state.life = { type: "open" };
  },
  SessionReopened({ state }) {
    state.life = { type: "open" };
    state.restart = noBadEnd;
  },
  SessionOwned({ state }, data, at) {
    const { owner: name, ...rest } = data;
    state.owner = { name, ...rest, since: at };
  },
  SiteAbandoned({ state }) {
    state.folders = null;
  },
  SessionParked({ state }, data) {
    state.parked = data;
    const { failures, limits } = state.restart;
    const more = data.reason === "rate_limited" ? 1 : 0;
    state.restart = { failures, limits: limits + more, dueAt: null };
  },
  SessionUnparked({ state }, data) {
    state.parked = null;
    if (data.reason === "asked") state.restart = noBadEnd;
  },
  RestartScheduled({ state }, data) {
    state.restart = { ...state.restart, failures: data.failures, dueAt: data.dueAt };
  },
  BudgetExceeded({ state }) {
    state.budget = { ...state.budget, exceeded: true };
  },
  BudgetRaised({ state }, data) {
    state.budget = { ...state.budget, capUsd: data.capUsd, exceeded: false };
  },
  AgentBudgetExceeded({ state }, data) {
    state.budget = { ...state.budget, agent: data };
  },
  AgentBudgetRaised({ state }) {
    state.budget = { ...state.budget, agent: null };
  },
  CloseRequested({ state }, data) {
    state.life = { type: "closing", ...data, expired: false };
  },
  CloseExpired({ state }) {
    if (state.life.type === "closing") state.life = { ...state.life, expired: true };
  },
  SessionClosed({ state }, data, at) {
    state.life = { type: "ended", outcome: data.outcome, at };
    state.parked = null;
    state.restart = noBadEnd;
  },
  ErasureRequested({ state }, data) {
    state.life = { type: "erasing", by: data.by };
  },
  SessionErased({ state }, data, at) {
    // The same state as where the tombstone is all that there is to read.
    const { id, version, now } = state;
    const totals = { ...data.totals, conversationUsd: 0 };
    const life = { type: "erased", at } as const;
    Object.assign(state, { ...unopened(id), version, now, agent: data.agent, totals, life });
  },
  EffectDeferred(draft, data) {
    draft.edit("deferred").set(data.key, { attempt: data.attempt, dueAt: data.dueAt });
  },
};
