import assert from "node:assert/strict";
import type { AgentWord, Incoming, Mark } from "../../ports/agent-word.ts";
import type { Mailbox } from "../../ports/mailbox.ts";
import type { RunPlan } from "../../ports/run-plan.ts";

/** A word with the mark that holds once it is recorded. */
export type Heard = Extract<Incoming, { type: "word" }>;

/** How the clauses listen to a run, each listening bounded by the suite's patience. */
export interface Listener {
  /** Everything that a run that is over has said after the mark. */
  drain(mailbox: Mailbox, plan: RunPlan, after?: Mark): Promise<readonly Heard[]>;
  /** Follows the run until enough was handed over. All batches but the last are acknowledged. */
  hear(
    mailbox: Mailbox,
    plan: RunPlan,
    enough: (items: readonly Incoming[]) => boolean,
    after?: Mark,
  ): Promise<readonly Incoming[]>;
  /**
   * The words of the first batch of a run that is over, without acknowledging them: as if the host
   * had died before it could record them.
   */
  firstBatch(mailbox: Mailbox, plan: RunPlan): Promise<readonly Heard[]>;
  /**
   * The first word after the mark of a run that is over, without acknowledging any: as if the host
   * had died as soon as it was recorded. Null where there is none.
   */
  firstWord(mailbox: Mailbox, plan: RunPlan, after?: Mark): Promise<Heard | null>;
  /** A signal that aborts when patience ends. */
  patience(): AbortSignal;
}

/** Nothing is recorded yet. */
export const START: Mark = { seq: 0, offset: 0 };

/** A listener that waits this long, in milliseconds. */
export function listener(patienceMs: number): Listener {
  const patience = (): AbortSignal => AbortSignal.timeout(patienceMs);
  return {
    patience,
    async drain(mailbox, plan, after = START) {
      const items: Incoming[] = [];
      const signal = patience();
      for await (const batch of mailbox.receive(plan, { after, follow: false, signal })) {
        items.push(...batch);
      }
      assert.ok(!signal.aborted, "the drain did not end by itself");
      return wordsOf(items);
    },
    async firstBatch(mailbox, plan) {
      const signal = patience();
      for await (const batch of mailbox.receive(plan, { after: START, follow: false, signal })) {
        return wordsOf(batch);
      }
      return [];
    },
    async firstWord(mailbox, plan, after = START) {
      for await (const batch of mailbox.receive(plan, {
        after,
        follow: false,
        signal: patience(),
      })) {
        const [first] = wordsOf(batch);
        if (first !== undefined) return first;
      }
      return null;
    },
    async hear(mailbox, plan, enough, after = START) {
      const items: Incoming[] = [];
      const signal = patience();
      for await (const batch of mailbox.receive(plan, { after, follow: true, signal })) {
        items.push(...batch);
        if (enough(items)) return items;
      }
      throw new Error(`Waited ${patienceMs} ms in vain; heard ${JSON.stringify(items)}.`);
    },
  };
}

/** The words among the items. */
export function wordsOf(items: readonly Incoming[]): readonly Heard[] {
  return items.filter((item) => item.type === "word");
}

/** What was said, without the marks. */
export function saidOf(heard: readonly Heard[]): readonly AgentWord[] {
  return heard.map(({ word }) => word);
}

/** The tasks of the operations among the words: how the clauses number what they say. */
export function tasksOf(heard: readonly Heard[]): readonly string[] {
  return heard.flatMap(({ word }) =>
    word.type === "operation" && word.operation.type === "task.take" ? [word.operation.task] : [],
  );
}
