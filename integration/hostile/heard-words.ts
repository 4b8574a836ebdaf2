import { setTimeout as pause } from "node:timers/promises";
import type { AgentWord, Incoming, Mailbox, RunPlan } from "@waybill/core";
import { PATIENCE_MS } from "./patience.ts";

/** A word, its number, and when it was handed over, in milliseconds since 1970. */
export interface HeardWord {
  readonly seq: number;
  readonly word: AgentWord;
  readonly at: number;
}

/** A host that hears a run as an orchestrator does. */
export interface Ear {
  readonly words: readonly HeardWord[];
  /** When each batch with words was handed over. */
  readonly batches: readonly number[];
  readonly others: readonly Incoming[];
  /** Resolves once this holds; throws what receiving threw. */
  until(holds: () => boolean, what: string): Promise<void>;
  /** Resolves with the words from this number on, up to this one. */
  through(from: number, to: number): Promise<readonly AgentWord[]>;
  stop(): Promise<void>;
}

/** Hears a run from this number on, until it is stopped. */
export function hear(mailbox: Mailbox, plan: RunPlan, after = 0): Ear {
  const stopping = new AbortController();
  const words: HeardWord[] = [];
  const batches: number[] = [];
  const others: Incoming[] = [];
  let failure: Error | undefined;
  const running = (async () => {
    const mark = { seq: after, offset: 0 };
    for await (const batch of mailbox.receive(plan, {
      after: mark,
      follow: true,
      signal: stopping.signal,
    })) {
      const at = performance.timeOrigin + performance.now();
      if (batch.some(({ type }) => type === "word")) batches.push(at);
      for (const item of batch) {
        if (item.type === "word") words.push({ seq: item.mark.seq, word: item.word, at });
        else others.push(item);
      }
    }
  })().catch((error: unknown) => {
    failure = error instanceof Error ? error : new Error(String(error));
  });
  const until = async (holds: () => boolean, what: string): Promise<void> => {
    const deadline = performance.now() + PATIENCE_MS;
    while (!holds()) {
      if (failure !== undefined) throw failure;
      if (performance.now() > deadline) {
        throw new Error(
          `Waited in vain for ${what}; heard last ${JSON.stringify(words.slice(-5))}`,
        );
      }
      await pause(2);
    }
  };
  return {
    words,
    batches,
    others,
    until,
    async through(from, to) {
      await until(() => (words.at(-1)?.seq ?? 0) >= to, `word ${to}`);
      return words.filter(({ seq }) => seq >= from && seq <= to).map(({ word }) => word);
    },
    async stop() {
      stopping.abort();
      await running;
      if (failure !== undefined) throw failure;
    },
  };
}
