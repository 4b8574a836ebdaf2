import type { SDKResultMessage } from "@anthropic-ai/claude-agent-sdk";
import type { Instant, TurnError, TurnOutcome, Usage } from "@waybill/core";
import type { TurnEnd } from "../host/agent-host.ts";

/** What the turn itself knows of its end, beside the SDK's result. */
export interface TurnSoFar {
  readonly turn: string;
  /** All texts of the model's last message that had any. */
  readonly text: string;
  /** The transcript's last entry. */
  readonly transcript: string | null;
  /** The conversation's cost so far, in US dollars. */
  readonly costUsd: number;
  /** When the limit ends that the provider said was met; null where it said nothing of the kind. */
  readonly resetsAt: Instant | null;
}

/**
 * The end of a turn as the host is told it. `is_error` and `terminal_reason` decide: the SDK's
 * `subtype` says "success" for a model that could not be reached.
 */
export function turnEnd(result: SDKResultMessage, so: TurnSoFar): TurnEnd {
  const outcome = outcomeOf(result);
  const said = result.subtype === "success" ? result.result : "";
  return {
    turn: so.turn,
    outcome,
    // The SDK's own result is the last block alone: where a follow-up joined, half of the answer.
    text: outcome === "completed" && said === "" ? "" : so.text,
    ...(outcome === "completed" || outcome === "interrupted"
      ? {}
      : { error: errorOf(result, outcome, so.resetsAt) }),
    usage: usageOf(result),
    costUsd: so.costUsd,
    ...(so.transcript === null ? {} : { transcript: so.transcript }),
  };
}

/** Reasons that are a limit of turns, tokens or money. */
const LIMITS: readonly (string | undefined)[] = [
  "max_turns",
  "budget_exhausted",
  "blocking_limit",
  "prompt_too_long",
];

/** The status of a budget that is spent: the session's at the gateway, or the account's. */
const PAYMENT = 402;

function outcomeOf(result: SDKResultMessage): TurnOutcome {
  const reason = result.terminal_reason;
  if (reason === "aborted_streaming" || reason === "aborted_tools") return "interrupted";
  if (!result.is_error) return "completed";
  return LIMITS.includes(reason) || statusOf(result) === PAYMENT ? "exhausted" : "failed";
}

function errorOf(
  result: SDKResultMessage,
  outcome: TurnOutcome,
  resetsAt: Instant | null,
): TurnError {
  const message = result.subtype === "success" ? result.result : result.errors.join("; ");
  if (outcome === "exhausted") {
    const isSpent = statusOf(result) === PAYMENT;
    return {
      code: isSpent ? "BUDGET_SPENT" : (result.terminal_reason ?? "").toUpperCase(),
      message,
    };
  }
  const code = failureCode(result);
  const kind = CLASSES[code] ?? "permanent";
  const resets = kind === "rate" && resetsAt !== null ? { resetsAt } : {};
  return { code, message, class: kind, ...resets };
}

/** What helps: to ask again soon, after the limit's end, or only when somebody changed something. */
const CLASSES: Readonly<Record<string, TurnError["class"]>> = {
  MODEL_RATE_LIMITED: "rate",
  MODEL_UNAVAILABLE: "transient",
  MODEL_UNREACHABLE: "transient",
};

/** A code by which a host can decide whether and when another try makes sense. */
function failureCode(result: SDKResultMessage): string {
  if (result.terminal_reason !== "api_error") return "TURN_FAILED";
  const status = statusOf(result);
  if (status === null) return "MODEL_UNREACHABLE";
  if (status === 401 || status === 403) return "MODEL_UNAUTHORIZED";
  if (status === 429) return "MODEL_RATE_LIMITED";
  return status >= 500 ? "MODEL_UNAVAILABLE" : "MODEL_REFUSED";
}

/** What the API answered last; null where it did not. */
function statusOf(result: SDKResultMessage): number | null {
  return result.subtype === "success" ? (result.api_error_status ?? null) : null;
}

function usageOf({ usage }: SDKResultMessage): Usage {
  return {
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    cacheReadTokens: usage.cache_read_input_tokens,
    cacheWriteTokens: usage.cache_creation_input_tokens,
  };
}
