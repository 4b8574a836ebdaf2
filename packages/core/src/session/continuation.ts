import type { OperationNote } from "./state.ts";

const outcomes: Readonly<Record<OperationNote["state"], string>> = {
  delivered: "done",
  waiting: "accepted; it will be done without you",
  rejected: "refused",
  abandoned: "given up",
  withdrawn: "not answered yet; ask again if you still need it",
};

/** What the host tells an agent whose last run died in mid-turn. */
export function continuationText(notes: readonly OperationNote[]): string {
  const head =
    "Your previous process ended before you had finished. Go on from where you were, and finish " +
    "answering. Do not repeat what is already done.";
  if (notes.length === 0) return head;
  const lines = notes.map(({ summary, state }) => `- ${summary}: ${outcomes[state]}`);
  return `${head}\n\nWhat you had asked for, and what became of it:\n${lines.join("\n")}`;
}
