import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { boardWithClient, callOf, clientOf, foreignBoard, json, message } from "./boards.ts";

const question = () => callOf({ type: "task.get", task: "task-1" });

describe("an answer is classified by its status", () => {
  test.each([
    [301, "permanent", "TRACKER_REDIRECTED"],
    [302, "permanent", "TRACKER_REDIRECTED"],
    [307, "permanent", "TRACKER_REDIRECTED"],
    [400, "permanent", "TRACKER_REFUSED"],
    [401, "permanent", "TRACKER_UNAUTHORIZED"],
    [403, "permanent", "TRACKER_UNAUTHORIZED"],
    [404, "permanent", "TRACKER_NOT_FOUND"],
    [405, "permanent", "TRACKER_REFUSED"],
    [408, "transient", "TRACKER_UNAVAILABLE"],
    [409, "permanent", "TRACKER_CONFLICT"],
    [410, "permanent", "TRACKER_NOT_FOUND"],
    [412, "permanent", "TRACKER_CONFLICT"],
    [413, "permanent", "TRACKER_REFUSED"],
    [422, "permanent", "TRACKER_REFUSED"],
    [425, "transient", "TRACKER_UNAVAILABLE"],
    [429, "rate", "TRACKER_RATE_LIMITED"],
    [500, "transient", "TRACKER_UNAVAILABLE"],
    [502, "transient", "TRACKER_UNAVAILABLE"],
    [503, "transient", "TRACKER_UNAVAILABLE"],
    [504, "transient", "TRACKER_UNAVAILABLE"],
  ])("%i is %s", async (status, failureClass, code) => {
    const { board, tracker } = await boardWithClient();
    board.faults.add({ do: "status", status, method: "POST" });
    const failure = await tracker.perform(message("Hi")).catch((error: unknown) => error);
    expect(failure).toMatchObject({ class: failureClass, code, details: { status } });
    expect(String(failure)).toContain(board.url);
    expect(board.records.messages).toHaveLength(0);
  });

  test.each(
    [500, 502, 504].flatMap((status) =>
      [{ idempotencyKeys: false }, { keysKeptMs: 86_400_000 }].map((client) => ({
        status,
        client,
      })),
    ),
  )(
    "$status to a write is unknown where keys do not count or do not last ($client), since it may come after the commit",
    async ({ status, client }) => {
      const { board, tracker } = await boardWithClient({ client });
      board.faults.add({ do: "status", status, times: 2 });
      await expect(tracker.perform(message("Hi"))).rejects.toMatchObject({ class: "unknown" });
      await expect(tracker.perform(question())).rejects.toMatchObject({ class: "transient" });
    },
  );

  test("503 to a write is transient also where keys do not count", async () => {
    const { board, tracker } = await boardWithClient({ client: { idempotencyKeys: false } });
    board.faults.add({ do: "status", status: 503 });
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject({ class: "transient" });
  });

  test("what the board says of a refusal is in the message, on one line and cut", async () => {
    const { board, tracker } = await boardWithClient();
    const said = `line one\n\u001b[2Jline two \u202e${"x".repeat(1_000)}`;
    board.faults.add({ do: "status", status: 422, body: JSON.stringify({ detail: said }) });
    const failure = await tracker.perform(message("Hi")).catch((error: Error) => error.message);
    expect(failure).toContain("line one [2Jline two x");
    // oxlint-disable-next-line no-control-regex
    expect(failure).not.toMatch(/[\n\u001b\u202e]/);
    expect(String(failure).length).toBeLessThan(600);
  });
});

describe("Retry-After is honoured", () => {
  const inSeconds = (seconds: number): string =>
    new Date(Date.now() + seconds * 1_000).toUTCString();

  test.each([
    ["seconds", "7", 7_000],
    ["zero", "0", 0],
    ["a date in the past", "Wed, 21 Oct 2015 07:28:00 GMT", 0],
    ["far too many seconds", "99999999999", 86_400_000],
  ])("as %s", async (_, retryAfter, expected) => {
    const { board, tracker } = await boardWithClient();
    board.faults.add({ do: "status", status: 429, retryAfter });
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject({ retryAfterMs: expected });
  });

  test("as a date, read by the board's own clock", async () => {
    const { board, tracker } = await boardWithClient();
    // The board's clock is years ahead of ours; the two dates are 30 s apart.
    const headers = { date: "Wed, 01 Jan 2099 00:00:00 GMT" };
    board.faults.add({
      do: "status",
      status: 429,
      headers,
      retryAfter: "Thu, 01 Jan 2099 00:00:30 GMT",
    });
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject({ retryAfterMs: 30_000 });
  });

  test("as a date", async () => {
    const { board, tracker } = await boardWithClient();
    board.faults.add({ do: "status", status: 429, retryAfter: inSeconds(60) });
    const failure = await tracker.perform(message("Hi")).catch((error) => error);
    expect(failure.retryAfterMs).toBeGreaterThan(57_000);
    expect(failure.retryAfterMs).toBeLessThanOrEqual(61_000);
  });

  test.each(["-5", "soon", "1.5", ""])("not as %j, which says nothing", async (retryAfter) => {
    const { board, tracker } = await boardWithClient();
    board.faults.add({ do: "status", status: 429, retryAfter });
    const failure = await tracker.perform(message("Hi")).catch((error) => error);
    expect(failure).toMatchObject({ class: "rate" });
    expect(failure.retryAfterMs).toBeUndefined();
  });

  test("a 503 that says how long is rate-limited", async () => {
    const { board, tracker } = await boardWithClient();
    board.faults.add({ do: "status", status: 503, retryAfter: 2 });
    const expected = { class: "rate", code: "TRACKER_UNAVAILABLE", retryAfterMs: 2_000 };
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject(expected);
  });
});

describe("a call without a complete answer", () => {
  test("is transient where nobody listens, and names the address and the fix", async () => {
    const { board, tracker } = await boardWithClient();
    await board.close();
    const failure = await tracker.perform(message("Hi")).catch((error) => error);
    expect(failure).toMatchObject({ class: "transient", code: "TRACKER_UNREACHABLE" });
    expect(failure.message).toContain(board.url);
    expect(failure.message).toContain("TRACKER_URL");
  });

  test("is transient where the host has no address", async () => {
    const tracker = clientOf({ url: "http://board.invalid", token: "t" });
    const expected = { class: "transient", code: "TRACKER_UNREACHABLE" };
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject(expected);
  });

  test("is transient where TLS is spoken to a board without it", async () => {
    const { board } = await boardWithClient();
    const tracker = clientOf({ url: board.url.replace("http:", "https:"), token: "t" });
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject({ class: "transient" });
  });

  test("is unknown after the timeout, and a question transient", async () => {
    const { board, tracker } = await boardWithClient({ client: { timeoutMs: 100 } });
    board.faults.add({ do: "delay", when: "after", ms: 30_000, times: null });
    const expected = { class: "unknown", code: "TRACKER_TIMEOUT" };
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject(expected);
    await expect(tracker.perform(question())).rejects.toMatchObject({
      ...expected,
      class: "transient",
    });
    expect(board.records.messages).toHaveLength(1);
  });

  test("is unknown where the body never ends, since the timeout covers it", async () => {
    const board = await foreignBoard((_, response) => {
      response.writeHead(201, { "content-type": "application/json" }).write('{"id":"m-1"');
    });
    const tracker = clientOf(board, { timeoutMs: 200 });
    const expected = { class: "unknown", code: "TRACKER_TIMEOUT" };
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject(expected);
  });

  test("is unknown where the body is cut off", async () => {
    const board = await foreignBoard((_, response) => {
      response
        .writeHead(201, { "content-length": "100" })
        .write('{"id":"m-1"', () => response.destroy());
    });
    const expected = { class: "unknown", code: "TRACKER_CONNECTION_LOST" };
    await expect(clientOf(board).perform(message("Hi"))).rejects.toMatchObject(expected);
  });

  test("is unknown where what answers does not speak HTTP", async () => {
    const server = createServer(
      (socket) => void socket.on("data", () => socket.end("SSH-2.0-x\r\n")),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const tracker = clientOf({ url, token: "t" });
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject({ class: "unknown" });
    await expect(tracker.check()).rejects.toMatchObject({ code: "TRACKER_UNREACHABLE" });
  });

  test("is unknown where it is cancelled after it was sent", async () => {
    const { board, tracker } = await boardWithClient();
    board.faults.add({ do: "delay", when: "after", ms: 30_000 });
    const stop = new AbortController();
    const call = tracker.perform({ ...message("Hi"), signal: stop.signal });
    await expect.poll(() => board.records.messages.length).toBe(1);
    stop.abort();
    await expect(call).rejects.toMatchObject({ class: "unknown", code: "TRACKER_CANCELLED" });
  });

  test("keeps a refusal's meaning where only its body is cut off", async () => {
    const board = await foreignBoard((_, response) => {
      response.writeHead(422, { "content-length": "100" }).write("{", () => response.destroy());
    });
    await expect(clientOf(board).perform(message("Hi"))).rejects.toMatchObject({
      class: "permanent",
    });
  });
});

describe("a 2xx that is no Tracker's answer", () => {
  const deep = `{"id":${"[".repeat(5_000)}${"]".repeat(5_000)}}`;

  test.each([
    ["HTML", "<html></html>"],
    ["nothing", ""],
    ["a list", "[]"],
    ["an object without an id", '{"ok":true}'],
    ["an empty id", '{"id":""}'],
    ["far too deep", deep],
    ["half of it", '{"id":"m-1"'],
  ])("is unknown: %s", async (_, body) => {
    const board = await foreignBoard((__, response) => void response.writeHead(200).end(body));
    const expected = { class: "unknown", code: "TRACKER_ANSWER_UNREADABLE" };
    await expect(clientOf(board).perform(message("Hi"))).rejects.toMatchObject(expected);
  });

  test("is refused where it is too deep for whoever copies it later", async () => {
    const nested = `${"[".repeat(40)}"]]"${"]".repeat(40)}`;
    const body = `{"id":"8","status":"done","deep":${nested}}`;
    const board = await foreignBoard((_, response) => void response.writeHead(200).end(body));
    const tracker = clientOf(board);
    const expected = { code: "TRACKER_ANSWER_UNREADABLE" };
    const get = callOf({ type: "task.get", task: "8" });
    await expect(tracker.perform(get)).rejects.toMatchObject({ ...expected, class: "transient" });
    const done = callOf({ type: "task.complete", task: "8" });
    await expect(tracker.perform(done)).rejects.toMatchObject({ ...expected, class: "unknown" });
  });

  test("is read where only its text looks deep", async () => {
    const title = `\\"${"[".repeat(100)}{{{`;
    const board = await foreignBoard((_, response) =>
      json(response, 200, { id: "8", title, status: "x" }),
    );
    const { data } = await clientOf(board).perform(callOf({ type: "task.get", task: "8" }));
    expect(data).toMatchObject({ task: { title } });
  });

  test("is unknown where a change is answered with another task", async () => {
    const board = await foreignBoard((_, response) =>
      json(response, 200, { id: "9", status: "done" }),
    );
    const done = callOf({ type: "task.complete", task: "8" });
    const expected = { class: "unknown", code: "TRACKER_ANSWER_UNREADABLE" };
    await expect(clientOf(board).perform(done)).rejects.toMatchObject(expected);
  });

  test("is unknown where it is larger than the limit, and a question permanent", async () => {
    const board = await foreignBoard((_, response) =>
      json(response, 200, { id: "x".repeat(5_000) }),
    );
    const tracker = clientOf(board, { maxResponseBytes: 4_096 });
    const expected = { class: "unknown", code: "TRACKER_ANSWER_UNREADABLE" };
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject(expected);
    await expect(tracker.perform(question())).rejects.toMatchObject({
      ...expected,
      class: "permanent",
    });
  });

  test("an error without end is not read without end", async () => {
    const board = await foreignBoard((_, response) => {
      response.writeHead(500);
      const flood = (): void => {
        while (!response.destroyed && response.write("x".repeat(65_536))) {
          // Until the buffer is full.
        }
      };
      response.on("drain", flood);
      flood();
    });
    await expect(clientOf(board).perform(message("Hi"))).rejects.toMatchObject({
      class: "transient",
    });
  });

  test("a change may be answered without a body", async () => {
    const board = await foreignBoard((_, response) => void response.writeHead(204).end());
    const receipt = await clientOf(board).perform(callOf({ type: "task.complete", task: "8" }));
    expect(receipt).toEqual({ id: "8", at: null, repeated: false, data: null });
  });

  test("ids that are numbers and times without a zone are taken for what they are", async () => {
    const board = await foreignBoard((_, response) =>
      json(response, 201, { id: 17, created_at: "2026-01-01T10:00:00" }),
    );
    expect(await clientOf(board).perform(message("Hi"))).toMatchObject({ id: "17", at: null });
  });
});

test("a redirect is not followed, so that the token stays at home", async () => {
  const elsewhere = await foreignBoard((_, response) => json(response, 201, { id: "m-1" }));
  const board = await foreignBoard((_, response) => {
    response.writeHead(307, { location: `${elsewhere.url}/api?token=s3cret` }).end();
  });
  const failure = await clientOf(board)
    .perform(message("Hi"))
    .catch((error) => error);
  expect(failure).toMatchObject({ class: "permanent", code: "TRACKER_REDIRECTED" });
  expect(failure.message).toContain(elsewhere.url);
  expect(failure.message).not.toContain("s3cret");
  expect(elsewhere.received).toHaveLength(0);
});

test("nothing is sent a second time, whatever goes wrong", async () => {
  const { board, tracker } = await boardWithClient();
  const calls = [message("Hi"), question()];
  for (const fault of [
    { do: "status", status: 503 },
    { do: "status", status: 429, retryAfter: 0 },
    { do: "drop", when: "before" },
  ] as const) {
    for (const call of calls) {
      const before = board.requests;
      board.faults.add(fault);
      await expect(tracker.perform(call)).rejects.toMatchObject({ name: "WaybillError" });
      expect(board.requests).toBe(before + 1);
    }
  }
});
