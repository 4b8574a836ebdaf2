import assert from "node:assert/strict";
import type { SessionEvent } from "../../events/catalogue.ts";
import type { MessageId, OperationId, RunId } from "../../ids.ts";
import type { Mark } from "../../ports/agent-word.ts";

/** The present run, as far as the log tells. */
export interface RunEntry {
  readonly id: RunId;
  started: boolean;
  startFailed: boolean;
  ready: boolean;
  stop: "drain" | "kill" | null;
  stopped: boolean;
  over: boolean;
  mark: Mark;
}

/** A message that is not settled. */
export interface MessageEntry {
  deliveries: number;
  at: "open" | "delivered" | "accepted";
  readonly replaces: readonly MessageId[];
}

/** An operation that is not over. */
export interface OperationEntry {
  readonly target: string;
  at: "held" | "cleared" | "attempted" | "doubted" | "deferred";
  attempts: number;
  epoch: number;
}

/** What a ledger knows of a session. */
export class Book {
  events = 0;
  life: "unopened" | "open" | "closing" | "ended" | "erasing" | "erased" = "unopened";
  epoch = 0;
  run: RunEntry | null = null;
  parked = false;
  exceeded = false;
  agentExceeded = false;
  /** How many messages were ever queued. */
  position = 0;
  /** Every run that was ever asked for. */
  readonly runs: Set<RunId> = new Set();
  /** The last recorded reading of each gateway's ledger. */
  readonly readings: Map<string, number> = new Map();
  /** Runs that are over and not removed. */
  readonly remains: Set<RunId> = new Set();
  /** Messages that are not settled. */
  readonly messages: Map<MessageId, MessageEntry> = new Map();
  /** What became of the others. */
  readonly fates: Map<MessageId, "settled" | "discarded"> = new Map();
  /** Operations that are not over. */
  readonly operations: Map<OperationId, OperationEntry> = new Map();
  /** What became of the others. */
  readonly ends: Map<OperationId, "delivered" | "rejected" | "denied" | "abandoned"> = new Map();
  /** Those of which the agent was told. */
  readonly answered: Set<OperationId> = new Set();
  /** Those that the host's policy has not judged. */
  readonly unauthorised: Set<OperationId> = new Set();
  /** Cleared and unfinished operations of each target, in the order of their clearance. */
  readonly queues: Map<string, readonly OperationId[]> = new Map();
  /** What is known of operations that are over, should they be driven again. */
  readonly past: Map<OperationId, OperationEntry> = new Map();

  /** What is outstanding, in words; empty exactly where a session may be over. */
  outstanding(): readonly string[] {
    return [
      ...[...this.messages.keys()].map((id) => `message ${id}`),
      ...[...this.operations.keys()].map((id) => `operation ${id}`),
      ...[...this.remains].map((id) => `the remains of run ${id}`),
      ...(this.run === null ? [] : [`run ${this.run.id}`]),
    ];
  }

  /** The present run, which must be this one. */
  current(runId: RunId): RunEntry {
    const { run } = this;
    assert.ok(run !== null && run.id === runId, `${runId} is the present run, which is ${run?.id}`);
    return run;
  }

  /** The message, which must be open. */
  message(id: MessageId): MessageEntry {
    const message = this.messages.get(id);
    assert.ok(message, `message ${id} is open; it is ${this.fates.get(id) ?? "unknown"}`);
    return message;
  }

  /** The operation, which must be open. */
  operation(id: OperationId): OperationEntry {
    const operation = this.operations.get(id);
    assert.ok(operation, `operation ${id} is open; it is ${this.ends.get(id) ?? "unknown"}`);
    return operation;
  }

  /** What a run said is recorded in order, and nothing of it twice. */
  readMark({ data }: SessionEvent): void {
    if (!("mark" in data) || this.run === null) return;
    const { mark } = data;
    const inOrder = mark.seq >= this.run.mark.seq && mark.offset >= this.run.mark.offset;
    assert.ok(inOrder, `words come in order: ${mark.seq} after ${this.run.mark.seq}`);
    this.run.mark = mark;
  }
}

/** How each event of a family is entered. */
export type EntriesOf<E extends { readonly type: string; readonly data: unknown }> = {
  readonly [Type in E["type"]]: (data: Extract<E, { readonly type: Type }>["data"]) => void;
};
