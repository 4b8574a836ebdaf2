import type { OperationOutcome } from "../host/agent-host.ts";

/** What a tool call gives back to the model. */
export interface ToolReport {
  readonly text: string;
  /** True where the model must not take it for done. */
  readonly failed: boolean;
}

/** Tells the model what became of its call, and what to do now. */
export function outcomeReport(tool: string, outcome: OperationOutcome): ToolReport {
  const why =
    outcome.error === undefined ? "" : ` (${outcome.error.code}): ${outcome.error.message}`;
  switch (outcome.status) {
    case "delivered":
      return { text: delivered(outcome), failed: false };
    case "handed_over":
      return {
        text: "Handed to the host. This host says nothing of what becomes of it; do not repeat the call.",
        failed: false,
      };
    case "rejected":
      return {
        text: `Rejected${why}\nNothing was changed at the board. The same ${tool} call will be rejected again; change it, or go on without it and say so.`,
        failed: true,
      };
    case "abandoned":
      return {
        text: `Given up${why}\nThe board may have it or not. Look before you try ${tool} again, and tell people if it matters.`,
        failed: true,
      };
  }
}

/** What a call gives back that never came as far as an outcome. */
export function failureReport(tool: string, error: unknown): ToolReport {
  const message = error instanceof Error ? error.message : String(error);
  return { text: `The ${tool} call failed: ${message}`, failed: true };
}

function delivered(outcome: OperationOutcome): string {
  if (outcome.data === undefined || outcome.data === null) return "Done: the board has it.";
  return `Done. The board says:\n${JSON.stringify(outcome.data, null, 2)}`;
}
