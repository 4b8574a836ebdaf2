import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import { expect, test } from "vitest";
import { turnTracker } from "../src/claude/turn-tracker.ts";

const uuid = "00000000-0000-4000-8000-000000000001";

function endOf(...messages: readonly object[]): unknown {
  const tracker = turnTracker({ messageOf: () => "m-1", cost: (usd) => usd });
  const events = messages.flatMap((message) => tracker.see(message as SDKMessage));
  return events.find(({ type }) => type === "turn_ended");
}

const started = { type: "command_lifecycle", command_uuid: uuid, state: "started" };
const limited = {
  type: "result",
  subtype: "success",
  is_error: true,
  num_turns: 1,
  result: "You have reached your limit.",
  terminal_reason: "api_error",
  api_error_status: 429,
  total_cost_usd: 0,
  usage: {},
  user_message_uuids: [uuid],
};
const limit = (status: string) => ({
  type: "rate_limit_event",
  rate_limit_info: { status, resetsAt: 1_800_000_000, rateLimitType: "five_hour" },
});

test("a limit that the provider rejected for carries its end, in milliseconds", () => {
  expect(endOf(started, limit("rejected"), limited)).toMatchObject({
    outcome: "failed",
    error: { code: "MODEL_RATE_LIMITED", class: "rate", resetsAt: 1_800_000_000_000 },
  });
});

test("a warning of a limit is no limit: its end says nothing about this failure", () => {
  const ended = endOf(started, limit("allowed_warning"), limited) as { error: object };
  expect(ended.error).toMatchObject({ code: "MODEL_RATE_LIMITED", class: "rate" });
  expect(ended.error).not.toHaveProperty("resetsAt");
});
