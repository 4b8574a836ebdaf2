// What a gateway saw: recorded once, believed before the agent, and judged between turns.
import { describe, expect, test } from "vitest";
import type { MeterReading, SessionCommand, SessionEvent } from "@waybill/core";
import { given } from "@waybill/core/testing";
import { opened, owned, past } from "./pasts.ts";

const usage = (seq: number, costUsd: number | null, runId = "run-1"): MeterReading => ({
  type: "usage",
  mark: { ledger: "books", seq },
  runId,
  at: 5,
  model: "claude-test",
  inputTokens: 10,
  outputTokens: 2,
  cacheReadTokens: 30,
  cacheWriteTokens: 4,
  costUsd,
  estimated: false,
});
const metered = (...readings: readonly MeterReading[]): SessionCommand => ({
  type: "Metered",
  readings,
});
const capped = (events: readonly SessionEvent[], budgetUsd: number): readonly SessionEvent[] => [
  opened({ budgetUsd }),
  owned(),
  ...events.slice(2),
];
const claimed = (costUsd: number): readonly SessionEvent[] =>
  past.ended().map((event) => {
    if (event.type !== "TurnEnded") return event;
    return { ...event, data: { ...event.data, costUsd } };
  });

describe("a reading", () => {
  test("is recorded with everything that the gateway saw", () => {
    const { mark, type: _, ...facts } = usage(1, 0.5);
    given(past.accepted())
      .when(metered(usage(1, 0.5)))
      .then([{ type: "ModelUsageRecorded", data: { ...facts, reading: mark } } as SessionEvent]);
  });

  test("of a refusal is recorded with its reason", () => {
    const mark = { ledger: "books", seq: 1 };
    const facts = { runId: "run-1", at: 7, reason: "model-not-allowed", model: "m", count: 3 };
    const after = given(past.accepted())
      .when(metered({ type: "refused", mark, ...facts }))
      .then([{ type: "GatewayRequestRefused", data: { ...facts, reading: mark } }]);
    expect(after.state.totals.refusedRequests).toBe(3);
  });

  test("that is recorded already is passed over, alone and before new ones", () => {
    const once = given(past.accepted())
      .when(metered(usage(1, 0.5), usage(2, 0.5)))
      .thenTypes(["ModelUsageRecorded", "ModelUsageRecorded"]);
    once.when(metered(usage(1, 0.5), usage(2, 0.5))).thenNothing();
    const more = once.when(metered(usage(2, 0.5), usage(3, 0.5))).thenTypes(["ModelUsageRecorded"]);
    expect(more.state.metered).toEqual({ books: 3 });
    expect(more.state.totals.meteredTokens).toBe(3 * 46);
  });

  test("of another ledger counts from 1 again: another machine, or books that were lost", () => {
    const other = { ...usage(1, 0.25), mark: { ledger: "other", seq: 1 } };
    const { state } = given(past.accepted())
      .when(metered(usage(1, 0.5), usage(2, 0.5), other))
      .thenTypes(["ModelUsageRecorded", "ModelUsageRecorded", "ModelUsageRecorded"]);
    expect(state.metered).toEqual({ books: 2, other: 1 });
    expect(state.totals.costUsd).toBe(1.25);
  });

  test("concerns nobody before the session is opened", () => {
    given([])
      .when(metered(usage(1, 0.5)))
      .thenNothing();
  });
});

describe("what a run costs", () => {
  test("is what the gateway says, in the place of what its agent had claimed", () => {
    const early = given(claimed(9));
    expect(early.state.totals.costUsd).toBe(9);
    const late = early.when(metered(usage(1, 0.5))).thenTypes(["ModelUsageRecorded"]);
    expect(late.state.totals.costUsd).toBe(0.5);
  });

  test("is not changed by claims that come after the gateway's figure", () => {
    const before = given(past.accepted())
      .when(metered(usage(1, 0.5)))
      .thenTypes(["ModelUsageRecorded"]);
    const ended = claimed(9).at(-1) as Extract<SessionEvent, { type: "TurnEnded" }>;
    const word = {
      type: "turn_ended",
      turn: "t1",
      outcome: "completed",
      text: "done",
      costUsd: ended.data.costUsd ?? 0,
    } as const;
    const after = before
      .when({
        type: "Heard",
        runId: "run-1",
        words: [{ type: "word", mark: { seq: 9, offset: 0 }, at: 0, word }],
      })
      .thenTypes(["TurnEnded"]);
    expect(after.state.totals).toMatchObject({ costUsd: 0.5, conversationUsd: 9 });
  });

  test("stays what the agent claims where the gateway has no prices", () => {
    const after = given(claimed(9))
      .when(metered(usage(1, null)))
      .thenTypes(["ModelUsageRecorded"]);
    expect(after.state.totals).toMatchObject({ costUsd: 9, meteredTokens: 46 });
  });

  test("is settled by readings that come when the run is over, until its remains are removed", () => {
    const over: readonly SessionEvent[] = [
      ...claimed(9),
      { type: "RunLost", data: { runId: "run-1" } },
      { type: "RunDrained", data: { runId: "run-1", mark: { seq: 9, offset: 0 } } },
    ];
    const late = given(over)
      .when(metered(usage(1, 0.5)))
      .thenTypes(["ModelUsageRecorded"]);
    expect(late.state.totals.costUsd).toBe(0.5);
    const removed = given([...over, { type: "RunRemoved", data: { runId: "run-1" } }]);
    expect(removed.state.costs.size).toBe(0);
  });
});

describe("a budget", () => {
  test("is judged by the gateway's figures once the turn has ended, not in its middle", () => {
    const inTurn = given(capped(past.accepted(), 1))
      .when(metered(usage(1, 2)))
      .thenTypes(["ModelUsageRecorded"]);
    const word = { type: "turn_ended", turn: "t1", outcome: "exhausted", text: "" } as const;
    const words = [{ type: "word", mark: { seq: 9, offset: 0 }, at: 0, word }] as const;
    const after = inTurn
      .when({ type: "Heard", runId: "run-1", words })
      .thenTypes(["TurnEnded", "BudgetExceeded"]);
    expect(after.state.budget).toMatchObject({ capUsd: 1, exceeded: true });
  });

  test("is judged by a reading that comes after the turn", () => {
    given(capped(past.ended(), 1))
      .when(metered(usage(1, 2)))
      .thenTypes(["ModelUsageRecorded", "BudgetExceeded"]);
  });

  test("that is raised is another attach, before the next message", () => {
    const keys = (events: readonly SessionEvent[]): readonly string[] =>
      given(events)
        .pending()
        .map(({ key }) => key);
    const ready = capped(past.ready(), 1);
    expect(keys(ready)).toContain("run-1/attach:1");
    const raised: SessionEvent = { type: "BudgetRaised", data: { capUsd: 5 } };
    const after = keys([...ready, raised]);
    expect(after).toContain("run-1/attach:5");
    expect(after.indexOf("run-1/attach:5")).toBeLessThan(after.indexOf("run-1/put:m1:1"));
  });
});

test("a run that lives is metered, and one that was only requested is not", () => {
  const keys = (events: readonly SessionEvent[]): readonly string[] =>
    given(events)
      .pending()
      .map(({ key }) => key);
  expect(keys(past.requested())).not.toContain("run-1/meter");
  expect(keys(past.started())).toContain("run-1/meter");
});
