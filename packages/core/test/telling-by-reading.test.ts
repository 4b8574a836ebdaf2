import { expect, test } from "vitest";
import type { TrackerEvent } from "@waybill/core";
import { fakeTracker, manualClock } from "@waybill/core/testing";
import { tellingByReading } from "../src/dispatch/telling-by-reading.ts";

test("two questions make events of a board that tells none, and a cursor goes on where it was", async () => {
  const fake = fakeTracker({ chats: ["general"] });
  const clock = manualClock();
  const { people } = fake.board;
  people.task({ id: "t2", assignedTo: "coder" });
  const follow = (after: string | null) => {
    const events: TrackerEvent[] = [];
    const stop = new AbortController();
    const tracker = tellingByReading(fake, { chats: ["general"], everyMs: 1_000, clock });
    const done = (async () => {
      for await (const event of tracker.subscribe({ after, signal: stop.signal }))
        events.push(event);
    })();
    return {
      events,
      end: () => {
        stop.abort();
        return done;
      },
    };
  };
  const first = follow(null);
  await clock.settle();
  expect(first.events.map(({ type }) => type)).toEqual(["task.created", "task.assigned"]);
  people.task({ id: "t2", assignedTo: "tester" });
  await fake.perform({
    key: "s/r/1",
    by: { slug: "coder", name: "Кодер" },
    operation: { type: "chat.send", chat: "general", content: "@tester, yours" },
  });
  fake.failNext({ type: "unavailable" });
  await clock.advance({ seconds: 10 });
  await first.end();
  expect(first.events.slice(2)).toMatchObject([
    { type: "task.reassigned", previous: "coder", task: { assignedTo: "tester" } },
    { type: "chat.message", message: { mentions: ["tester"], author: { type: "agent" } } },
  ]);

  const second = follow(first.events[2]?.cursor ?? null);
  await clock.settle();
  people.task({ id: "t2", status: "cancelled" });
  await clock.advance({ seconds: 2 });
  await second.end();
  expect(second.events).toMatchObject([{ id: first.events[3]?.id }, { type: "task.cancelled" }]);
  expect(new Set([...first.events, ...second.events].map(({ id }) => id)).size).toBe(5);
});

test("a cursor of another Tracker is refused", async () => {
  const tracker = tellingByReading(fakeTracker());
  const signal = new AbortController().signal;
  for (const after of ["17", '{"told":1,"tasks":null,"chats":{}}', '{"told":1,"tasks":{}}']) {
    await expect(Array.fromAsync(tracker.subscribe({ after, signal }))).rejects.toMatchObject({
      code: "TRACKER_CURSOR_UNKNOWN",
    });
  }
});
