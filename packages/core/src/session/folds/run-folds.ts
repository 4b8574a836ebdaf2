import type { RunEvent } from "../../events/run-events.ts";
import type { Mark } from "../../ports/agent-word.ts";
import type { RunId } from "../../ids.ts";
import type { Draft } from "../draft.ts";
import { isKeyOfRun, keyOf } from "../effect-keys.ts";
import type { Run } from "../state.ts";
import type { FoldsOf } from "./fold.ts";

/** How events about runs change a session. */
export const runFolds: FoldsOf<RunEvent> = {
  RunRequested(draft, data, at) {
    const { state } = draft;
    forget(draft, keyOf.admit);
    const { prompt, ...trace } = data;
    const message = prompt === null ? undefined : state.messages.get(prompt);
    state.run = {
      trace: {
        ...trace,
        prompt: message === undefined ? null : { messageId: message.id, text: message.text },
      },
      phase: { type: "requested" },
      stop: null,
      turn: null,
      mark: { seq: 0, offset: 0 },
      restingSince: at,
      greeted: false,
      left: false,
      startFailure: null,
      turns: 0,
      setback: null,
    };
    if (data.site !== undefined) state.folders = data.site.folders;
    state.restart = { ...state.restart, dueAt: null };
    state.totals = { ...state.totals, runs: state.totals.runs + 1 };
  },
  RunStarted(draft, data, at) {
    const seenIn = draft.state.owner?.epoch ?? 0;
    editRun(draft, data.runId, { phase: { type: "started", at, seenIn } });
    forget(draft, keyOf.start(data.runId));
  },
  RunStartFailed(draft, data) {
    editRun(draft, data.runId, { phase: { type: "start_failed" }, startFailure: data.failure });
    forget(draft, keyOf.start(data.runId));
  },
  RunAdopted(draft, data) {
    const phase = draft.state.run?.phase;
    if (phase?.type !== "started" && phase?.type !== "ready") return;
    editRun(draft, data.runId, { phase: { ...phase, seenIn: data.epoch } });
  },
  AgentReady(draft, data, at) {
    const phase = draft.state.run?.phase;
    const seenIn = phase?.type === "started" ? phase.seenIn : (draft.state.owner?.epoch ?? 0);
    editRun(draft, data.runId, {
      // A hello that is only found after the exit does not bring the run back.
      ...(phase?.type === "over" ? {} : { phase: { type: "ready", seenIn } }),
      greeted: true,
      mark: data.mark,
      restingSince: at,
    });
    const held = new Set(data.transcriptHas);
    for (const message of draft.state.messages.values()) {
      if (message.at.type !== "carried" || held.has(message.id)) continue;
      draft.edit("messages").set(message.id, { ...message, at: { type: "queued" } });
    }
  },
  ContextRestored({ state }, data) {
    if (data.from === "native") return;
    state.conversation = { ...state.conversation, begun: false };
    state.totals = { ...state.totals, conversationUsd: 0 };
  },
  RunStopRequested(draft, data) {
    const { reason, mode, until } = data;
    editRun(draft, data.runId, { stop: { reason, mode, until } });
  },
  RunStopped(draft, data) {
    forget(draft, keyOf.stop(data.runId));
  },
  RunExited(draft, data) {
    const { exitCode, signal, oomKilled, detail } = data;
    const exit = { exitCode, signal, oomKilled, ...(detail === null ? {} : { detail }) };
    editRun(draft, data.runId, { phase: { type: "over", exit } });
  },
  RunLost(draft, data) {
    const evidence = data.evidence === undefined ? {} : { evidence: data.evidence };
    editRun(draft, data.runId, { phase: { type: "over", exit: null, ...evidence } });
  },
  RunDrained(draft, data) {
    const { state } = draft;
    const { run } = state;
    if (run?.trace.runId !== data.runId) return;
    state.run = null;
    draft.edit("remains").set(data.runId, run.trace);
    if (state.answers.size > 0) draft.edit("answers").clear();
    for (const key of state.deferred.keys()) {
      if (isKeyOfRun(key, data.runId)) draft.edit("deferred").delete(key);
    }
    // Protocol 0 has no word for what a transcript holds: there, a message is handed over again.
    const place = run.trace.protocol === 0 ? "queued" : "carried";
    for (const message of state.messages.values()) {
      if (message.at.type !== "delivered" && message.at.type !== "accepted") continue;
      draft.edit("messages").set(message.id, { ...message, at: { type: place } });
    }
  },
  RunRemoved(draft, data) {
    draft.edit("remains").delete(data.runId);
    if (draft.state.costs.has(data.runId)) draft.edit("costs").delete(data.runId);
    forget(draft, keyOf.remove(data.runId));
  },
  AgentLeft(draft, data) {
    editRun(draft, data.runId, { left: true, mark: data.mark });
  },
  WordRejected: advance,
  MailboxGapSkipped: advance,
};

function advance(draft: Draft, data: { readonly runId: RunId; readonly mark: Mark }): void {
  editRun(draft, data.runId, { mark: data.mark });
}

function editRun(draft: Draft, runId: RunId, change: Partial<Run>): void {
  const { run } = draft.state;
  if (run?.trace.runId === runId) draft.state.run = { ...run, ...change };
}

function forget(draft: Draft, key: string): void {
  if (draft.state.deferred.has(key)) draft.edit("deferred").delete(key);
}
