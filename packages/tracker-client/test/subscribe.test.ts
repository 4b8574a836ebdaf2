import { join } from "node:path";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { describe, expect, onTestFinished, test } from "vitest";
import type { TellingTracker, TrackerEvent } from "@waybill/core";
import { referenceTracker } from "@waybill/tracker-client/testing";
import type { ReferenceTracker } from "@waybill/tracker-client/testing";
import { boardWithClient, clientOf, foreignBoard, json } from "./boards.ts";
import { cuttingProxy } from "./cutting-proxy.ts";
import { seededRandom } from "./seeded-random.ts";

const quick = { reconnectMs: 5, reconnectCapMs: 50, pollMs: 20 };

describe("subscribe", () => {
  test("tells what happened before, then what happens, with its facts", async () => {
    const { board, tracker } = await boardWithClient({ client: { events: quick } });
    await post(board, "tasks", { id: "t1", title: "Mend it", assigned_to: "coder" });
    const seen = follower(tracker, null);
    await post(board, "chats/general/messages", {
      sender_type: "human",
      sender_name: "Ann",
      content: "@coder, mail a@b.example? @Кодер!",
    });
    await patch(board, "tasks/t1", { assigned_to: "tester", add_labels: ["urgent"] });
    await patch(board, "tasks/t1", { status: "cancelled" });
    const events = await seen.until(({ type }) => type === "task.cancelled");

    expect(events.map(({ type }) => type)).toEqual([
      "task.created",
      "task.assigned",
      "chat.message",
      "task.reassigned",
      "task.cancelled",
    ]);
    expect(events[2]).toMatchObject({
      message: {
        chat: "general",
        author: { type: "human", name: "Ann" },
        mentions: ["coder", "Кодер"],
        replyTo: null,
      },
    });
    expect(events[3]).toMatchObject({
      previous: "coder",
      task: { id: "t1", assignedTo: "tester", labels: ["urgent"] },
    });
  });

  test("an answer in a chat says whom it answers", async () => {
    const { board, tracker } = await boardWithClient({ client: { events: quick } });
    const sent = await tracker.perform({
      key: "s/r/1",
      operation: { type: "chat.send", chat: "general", content: "Done?" },
      by: { slug: "coder", name: "Кодер" },
    });
    await post(board, "chats/general/messages", {
      sender_type: "human",
      sender_name: "Ann",
      content: "Yes",
      reply_to: sent.id,
    });
    const events = await follower(tracker, null).until(
      (event) => event.type === "chat.message" && event.message.replyTo !== null,
    );
    expect(events.at(-1)).toMatchObject({
      message: { replyTo: { id: sent.id, author: { type: "agent", name: "Кодер" } } },
    });
  });

  test("goes on after a cursor, in a new life of the client", async () => {
    const { board, tracker } = await boardWithClient({ client: { events: quick } });
    await say(board, 0, 10);
    const first = await follower(tracker, null).until(isNumber(4));
    const second = await follower(clientOf(board), first.at(-1)?.cursor ?? "").until(isNumber(9));
    expect(numbersIn([...first, ...second])).toEqual(range(10));
  });

  test("asks where the board offers no WebSocket, and where one is not wanted", async () => {
    for (const [sockets, socket] of [
      [false, true],
      [true, false],
    ] as const) {
      const { board, tracker } = await boardWithClient({
        sockets,
        client: { events: { ...quick, socket } },
      });
      await say(board, 0, 700);
      const seen = follower(tracker, null);
      await seen.until(isNumber(699));
      await say(board, 700, 20);
      expect(numbersIn(await seen.until(isNumber(719)))).toEqual(range(720));
    }
  });

  test("events that come twice or in a wrong order are put right", async () => {
    const { board, tracker } = await boardWithClient({
      random: seededRandom(7),
      heartbeatMs: 50,
      client: { events: quick },
    });
    board.faults.add(
      { do: "duplicate_event", times: null, chance: 0.3 },
      { do: "reorder_event", times: null, chance: 0.3 },
      { do: "cut_events", times: null, chance: 0.01 },
    );
    const seen = follower(tracker, null);
    await say(board, 0, 2_000);
    expect(numbersIn(await seen.until(isNumber(1_999)))).toEqual(range(2_000));
  });

  test(
    "10,000 events, 200 cuts anywhere and 5 restarts: each is seen once, in order",
    { timeout: 240_000 },
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "waybill-events-"));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      const file = join(folder, "board.ndjson");
      let board = await referenceTracker({ file, token: "tok", heartbeatMs: 200 });
      onTestFinished(() => board.close());
      const port = Number(new URL(board.url).port);
      const random = seededRandom(2_026);
      const proxy = await cuttingProxy(board.url, { random, cuts: 200, mostBytes: 30_000 });
      onTestFinished(() => proxy.close());
      const client = clientOf({ url: proxy.url, token: board.token }, { events: quick });
      const seen = follower(client, null);
      let restarts = 0;
      for (let number = 0; number < 10_000; number += 50) {
        await say(board, number, 50);
        // Not all at once: so that what is cut off is sometimes the past, sometimes the present.
        await seen.until(isNumber(Math.max(number - 500, 0)));
        if (number % 2_000 !== 1_000) continue;
        await board.close();
        board = await referenceTracker({ file, token: "tok", port, heartbeatMs: 200 });
        restarts += 1;
      }
      const events = await seen.until(isNumber(9_999));
      console.log(`${events.length} events, ${proxy.cuts} cuts, ${restarts} restarts`);
      expect(numbersIn(events)).toEqual(range(10_000));
      expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
      expect([proxy.cuts, restarts]).toEqual([200, 5]);
    },
  );

  test("a reader that takes its time holds back the board, and misses nothing", async () => {
    const { board, tracker } = await boardWithClient({ client: { events: quick } });
    await say(board, 0, 1_000);
    const numbers: number[] = [];
    const ended = new AbortController();
    for await (const event of tracker.subscribe({ after: null, signal: ended.signal })) {
      if (numbers.length % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      numbers.push(...numbersIn([event]));
      if (numbers.length === 1_000) ended.abort();
    }
    expect(numbers).toEqual(range(1_000));
  });

  test("a connection that falls silent is given up, and made again", async () => {
    let connections = 0;
    const board = await foreignBoard((_, response) => {
      connections += 1;
      // It takes the greeting of a WebSocket for a question, and says nothing.
      if (connections === 1) return;
      json(response, 200, { events: [], more: false });
    });
    const tracker = clientOf(board, { timeoutMs: 50, events: { ...quick, silenceMs: 50 } });
    const ended = new AbortController();
    const reading = Array.fromAsync(tracker.subscribe({ after: null, signal: ended.signal }));
    await poll(() => connections >= 3);
    ended.abort();
    expect(await reading).toEqual([]);
  });

  test("ends what waiting cannot mend with its reason", async () => {
    const { board, tracker } = await boardWithClient({ client: { events: quick } });
    const signal = AbortSignal.timeout(10_000);
    const stranger = clientOf(board, { token: "another", events: quick });
    await expect(
      Array.fromAsync(stranger.subscribe({ after: null, signal })),
    ).rejects.toMatchObject({ code: "TRACKER_UNAUTHORIZED" });
    await expect(
      Array.fromAsync(tracker.subscribe({ after: "999", signal })),
    ).rejects.toMatchObject({ code: "TRACKER_CURSOR_UNKNOWN" });
    const old = await foreignBoard((_, response) => json(response, 404, {}));
    await expect(
      Array.fromAsync(clientOf(old, { events: quick }).subscribe({ after: null, signal })),
    ).rejects.toMatchObject({ code: "TRACKER_EVENTS_UNSUPPORTED" });
  });

  test("waits while the board is away, and ends with the client", async () => {
    const { board, tracker } = await boardWithClient({ client: { events: quick } });
    const seen = follower(tracker, null);
    await seen.until(({ type }) => type === "task.created");
    await board.close();
    await tracker.close();
    expect(await seen.ended).toBe(1);
  });

  test("the token is in no address, no log line and no error", async () => {
    const lines: unknown[] = [];
    const note = (message: string, fields?: unknown): void => void lines.push([message, fields]);
    const logger = { debug: note, info: note, warn: note, error: note };
    const asked: string[] = [];
    const board = await foreignBoard((request, response) => {
      asked.push(request.url);
      json(response, 500, { error: "foreign-token is no good" });
    });
    const tracker = clientOf(board, { logger, events: quick });
    const seen = follower(tracker, "5");
    await poll(() => asked.length >= 4);
    await tracker.close();
    await seen.ended;
    expect(JSON.stringify([lines, asked])).not.toContain("foreign-token");
    expect(lines.length).toBeGreaterThan(0);
  });

  test("an event of an unknown kind keeps its place", async () => {
    const board = await foreignBoard((_, response) =>
      json(response, 200, {
        events: [{ id: 1, cursor: "a", at: "2026-01-01T00:00:00Z", type: "sprint.started" }],
      }),
    );
    const events = await follower(clientOf(board, { events: quick }), null).until(() => true);
    expect(events).toEqual([
      {
        id: "1",
        cursor: "a",
        at: Date.UTC(2026, 0, 1),
        cause: null,
        type: "other",
        name: "sprint.started",
      },
    ]);
  });
});

/** Follows, and keeps what it has seen. */
function follower(tracker: TellingTracker, after: string | null) {
  const events: TrackerEvent[] = [];
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  let look: () => void = () => {};
  let failure: unknown = null;
  const ended = (async () => {
    for await (const event of tracker.subscribe({ after, signal: stop.signal })) {
      events.push(event);
      look();
    }
    return events.length;
  })();
  ended.catch((error: unknown) => {
    failure = error;
    look();
  });
  return {
    ended,
    until: (isLast: (event: TrackerEvent) => boolean): Promise<TrackerEvent[]> =>
      new Promise((resolve, reject) => {
        let looked = 0;
        look = () => {
          if (failure !== null) reject(new Error("Following failed.", { cause: failure }));
          while (looked < events.length && !isLast(events[looked]!)) looked += 1;
          if (looked < events.length) resolve(events.slice(0, looked + 1));
        };
        look();
      }),
  };
}

async function post(board: ReferenceTracker, path: string, body: object): Promise<void> {
  await write(board, "POST", path, body);
}

async function patch(board: ReferenceTracker, path: string, body: object): Promise<void> {
  await write(board, "PATCH", path, body);
}

async function write(board: ReferenceTracker, method: string, path: string, body: object) {
  const response = await fetch(`${board.url}/api/v1/${path}`, {
    method,
    headers: { authorization: `Bearer ${board.token}` },
    body: JSON.stringify(body),
  });
  expect(response.ok, await response.text()).toBe(true);
}

/** Puts numbered messages into the chat, many at a time and yet in order. */
async function say(board: ReferenceTracker, from: number, count: number): Promise<void> {
  for (let number = from; number < from + count; number += 1) {
    board.say("general", `№ ${number}`);
  }
}

function isNumber(number: number): (event: TrackerEvent) => boolean {
  return (event) => event.type === "chat.message" && event.message.content === `№ ${number}`;
}

function numbersIn(events: readonly TrackerEvent[]): number[] {
  return events.flatMap((event) =>
    event.type === "chat.message" ? [Number(event.message.content.slice(2))] : [],
  );
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

async function poll(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 2));
}
