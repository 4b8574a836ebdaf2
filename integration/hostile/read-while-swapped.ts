import type { Mailbox } from "@waybill/core";
import { SECRET, type HostileContainer } from "./hostile-container.ts";

/** What was read while the agent swapped things for links. */
export interface SwappedReads {
  readonly reads: number;
  readonly words: number;
  readonly unreadable: number;
  /** Words in which something of the host was found. */
  readonly leaks: number;
  /** What the agent says: swaps done, swaps refused, and why. */
  readonly swaps: string;
}

/** Reads the same words again and again, never saying that they are recorded. */
export async function readWhileSwapped(options: {
  readonly agent: HostileContainer;
  readonly mailbox: Mailbox;
  readonly kind: "file" | "leaf" | "parent";
  readonly from: number;
  readonly through: number;
  readonly reads: number;
}): Promise<SwappedReads> {
  const { agent, mailbox, kind, from, through } = options;
  await agent.order("swap", kind, from, through);
  const seen = { reads: 0, words: 0, unreadable: 0, leaks: 0 };
  while (seen.reads < options.reads) {
    for await (const batch of mailbox.receive(agent.plan, {
      after: { seq: from - 1, offset: 0 },
      follow: false,
      signal: AbortSignal.timeout(10_000),
    })) {
      for (const item of batch) {
        if (item.type !== "word") continue;
        seen.reads += 1;
        seen[item.word.type === "unreadable" ? "unreadable" : "words"] += 1;
        if (JSON.stringify(item).includes(SECRET)) seen.leaks += 1;
      }
      break;
    }
  }
  return { ...seen, swaps: await agent.order("stop") };
}
