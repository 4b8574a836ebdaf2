import type { TrackerOperation } from "@waybill/core";

/** One thing to do. */
export type Step =
  | { readonly ask: TrackerOperation }
  | { readonly wait: number }
  /** Ends the process; `"kill"` as a SIGKILL would. Done once: the next run goes on after it. */
  | { readonly exit: number | "kill" };

/** What a message asks for. */
export interface Task {
  readonly steps: readonly Step[];
  readonly reply: string;
}

/** Reads a message; one that is no script is answered with its own text. */
export function readTask(text: string): Task {
  try {
    const value = JSON.parse(text) as Partial<Task>;
    if (Array.isArray(value.steps)) return { steps: value.steps, reply: value.reply ?? "done" };
  } catch {
    // Not JSON: words, which are answered with words.
  }
  return { steps: [], reply: `You said: ${text}` };
}
