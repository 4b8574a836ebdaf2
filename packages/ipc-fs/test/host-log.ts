import { setTimeout as pause } from "node:timers/promises";

import type { AgentWord, Incoming, Mailbox, Mark, RunPlan } from "@waybill/core";

/** A host that records what it receives, as an orchestrator does. */
export interface HostLog {
  readonly items: readonly Incoming[];
  readonly words: readonly AgentWord[];
  readonly mark: Mark;
  /** Resolves with the first word that fits, once it is recorded. */
  word(fits: (word: AgentWord) => boolean): Promise<AgentWord>;
  /** Resolves once this holds of what was received. */
  until(holds: (items: readonly Incoming[]) => boolean): Promise<void>;
  stop(): Promise<void>;
}

/** Receives from now on, until it is stopped. */
export function recordWords(
  mailbox: Mailbox,
  plan: RunPlan,
  after: Mark = { seq: 0, offset: 0 },
): HostLog {
  const stopping = new AbortController();
  const items: Incoming[] = [];
  const words: AgentWord[] = [];
  let mark = after;
  let failure: Error | undefined;
  const running = (async () => {
    for await (const batch of mailbox.receive(plan, {
      after,
      follow: true,
      signal: stopping.signal,
    })) {
      for (const item of batch) {
        items.push(item);
        if (item.type === "word") {
          words.push(item.word);
          mark = item.mark;
        }
      }
    }
  })().catch((error: unknown) => {
    failure = error instanceof Error ? error : new Error(String(error));
  });
  const until = async (holds: () => boolean, what: string): Promise<void> => {
    const deadline = performance.now() + 20_000;
    while (!holds()) {
      if (failure !== undefined) throw failure;
      if (performance.now() > deadline)
        throw new Error(
          `Waited in vain for ${what}; heard ${JSON.stringify(words).slice(0, 2_000)}`,
        );
      await pause(5);
    }
  };
  return {
    items,
    words,
    get mark() {
      return mark;
    },
    async word(fits) {
      await until(() => words.some(fits), String(fits));
      return words.find(fits)!;
    },
    until: (holds) => until(() => holds(items), String(holds)),
    async stop() {
      stopping.abort();
      await running;
      if (failure !== undefined) throw failure;
    },
  };
}
