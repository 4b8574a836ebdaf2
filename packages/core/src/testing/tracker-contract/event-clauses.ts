import assert from "node:assert/strict";
import type { Tracker } from "../../ports/tracker.ts";
import type { TrackerEvent } from "../../ports/tracker-event.ts";
import type { ContractPeople, TrackerClauses, TrackerFixture } from "../tracker-contract.ts";
import { callOf } from "./calls.ts";

/** What a Tracker tells of what happens on it. */
export const eventClauses: TrackerClauses = {
  "a message is told with its chat, its author, who is called upon and what it answers": async (
    fixture,
  ) => {
    const { tracker, chat } = fixture;
    const first = await peopleOf(fixture).say(chat, "@coder, can you?");
    await peopleOf(fixture).say(chat, "Please", first);
    const [asked, answer] = await told(tracker, null, 2, isMessage);
    assert.ok(asked?.type === "chat.message" && answer?.type === "chat.message");
    assert.equal(asked.message.id, first);
    assert.equal(asked.message.chat, chat);
    assert.deepEqual(asked.message.author, { type: "human", name: "Ann" });
    assert.deepEqual(asked.message.mentions, ["coder"]);
    assert.equal(asked.message.replyTo, null);
    assert.deepEqual(answer.message.replyTo, { id: first, author: asked.message.author });
  },

  "what an agent says is told as an agent's, with the key of its call": async ({
    tracker,
    chat,
  }) => {
    const call = callOf({ type: "chat.send", chat, content: "Done" });
    await tracker.perform(call);
    const [event] = await told(tracker, null, 1, isMessage);
    assert.ok(event?.type === "chat.message");
    assert.equal(event.cause, call.key);
    assert.deepEqual(event.message.author, { type: "agent", name: "Кодер" });
  },

  "a task that is given, taken away and cancelled is told so": async (fixture) => {
    const { tracker, task } = fixture;
    const people = peopleOf(fixture);
    await people.assign(task, "coder");
    await people.assign(task, "tester");
    await people.cancel(task);
    const [assigned, reassigned, cancelled] = await told(tracker, null, 3, ({ type }) =>
      ["task.assigned", "task.reassigned", "task.cancelled"].includes(type),
    );
    assert.ok(assigned?.type === "task.assigned");
    assert.equal(assigned.task.id, task);
    assert.equal(assigned.task.assignedTo, "coder");
    assert.ok(reassigned?.type === "task.reassigned");
    assert.equal(reassigned.previous, "coder");
    assert.equal(reassigned.task.assignedTo, "tester");
    assert.ok(cancelled?.type === "task.cancelled");
    assert.equal(cancelled.task.status, "cancelled");
  },

  "who comes back with a cursor gets what came after it, under the same ids": async (fixture) => {
    const { tracker, chat } = fixture;
    for (const content of ["one", "two", "three"]) await peopleOf(fixture).say(chat, content);
    const all = await told(tracker, null, 3, isMessage);
    const rest = await told(tracker, all[0]?.cursor ?? null, 2, isMessage);
    assert.deepEqual(rest, all.slice(1));
    assert.equal(new Set(all.map(({ id }) => id)).size, 3);
  },

  "each event is told once and in order, however often the connection is cut": async (fixture) => {
    const { tracker, chat } = fixture;
    const contents = Array.from({ length: 40 }, (_, index) => `line ${index}`);
    const telling = told(tracker, null, contents.length, isMessage);
    for (const [index, content] of contents.entries()) {
      await peopleOf(fixture).say(chat, content);
      if (index % 5 === 4) await peopleOf(fixture).cut();
    }
    const heard = (await telling).map((event) =>
      event.type === "chat.message" ? event.message.content : "",
    );
    assert.deepEqual(heard, contents);
  },

  "following ends with its signal, also while nothing happens": async ({ tracker }) => {
    const ended = new AbortController();
    const following = allOf(tracker, null, ended.signal);
    ended.abort();
    await following;
  },
};

function peopleOf({ people }: TrackerFixture): ContractPeople {
  assert.ok(people, "The fixture lacks `people`: pass it, or `events: false`.");
  return people;
}

function isMessage(event: TrackerEvent): boolean {
  return event.type === "chat.message";
}

/** So many events that count, from a cursor on. */
async function told(
  tracker: Tracker,
  after: string | null,
  count: number,
  counts: (event: TrackerEvent) => boolean,
): Promise<readonly TrackerEvent[]> {
  const ended = new AbortController();
  const events: TrackerEvent[] = [];
  for await (const event of follow(tracker, after, ended.signal)) {
    if (counts(event)) events.push(event);
    if (events.length === count) ended.abort();
  }
  return events;
}

async function allOf(tracker: Tracker, after: string | null, signal: AbortSignal): Promise<void> {
  for await (const event of follow(tracker, after, signal)) {
    assert.ok(event.cursor, "An event lacks its cursor.");
  }
}

function follow(
  tracker: Tracker,
  after: string | null,
  signal: AbortSignal,
): AsyncIterable<TrackerEvent> {
  assert.ok(tracker.subscribe, "The Tracker has no `subscribe`: pass `events: false`.");
  return tracker.subscribe({ after, signal });
}
