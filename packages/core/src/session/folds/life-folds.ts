import type { LifeEvent } from "../../events/session-events.ts";
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
    state.budget = { capUsd: data.policy.budgetUsd, exceeded: false };
    state.conversation = { id: data.conversation, begun: false };
    state.life = { type: "open" };
  },
  SessionReopened({ state }) {
    state.life = { type: "open" };
    state.restart = { failures: 0, dueAt: null };
  },
  SessionOwned({ state }, data) {
    state.owner = { name: data.owner, epoch: data.epoch, trackerKeys: data.trackerKeys };
  },
  SessionParked({ state }, data) {
    state.parked = data;
    state.restart = { ...state.restart, dueAt: null };
  },
  SessionUnparked({ state }) {
    state.parked = null;
    state.restart = { failures: 0, dueAt: null };
  },
  RestartScheduled({ state }, data) {
    state.restart = { failures: data.failures, dueAt: data.dueAt };
  },
  BudgetExceeded({ state }) {
    state.budget = { ...state.budget, exceeded: true };
  },
  BudgetRaised({ state }, data) {
    state.budget = { capUsd: data.capUsd, exceeded: false };
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
    state.restart = { failures: 0, dueAt: null };
  },
  EffectDeferred(draft, data) {
    draft.edit("deferred").set(data.key, { attempt: data.attempt, dueAt: data.dueAt });
  },
};
