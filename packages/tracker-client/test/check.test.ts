import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { boardWithClient, clientOf, foreignBoard, json } from "./boards.ts";

describe("check", () => {
  test("says where nobody listens, and what to do about it", async () => {
    const { board, tracker } = await boardWithClient();
    await board.close();
    const failure = await tracker.check().catch((error) => error);
    expect(failure).toMatchObject({ code: "TRACKER_UNREACHABLE", class: "transient" });
    expect(failure.message).toContain(board.url);
    expect(failure.message).toContain("TRACKER_URL");
  });

  test("says the same where somebody listens and never answers", async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const check = clientOf({ url, token: "t" }, { timeoutMs: 100 }).check();
    await expect(check).rejects.toMatchObject({ code: "TRACKER_UNREACHABLE", class: "transient" });
  });

  test.each([401, 403])("says that the token is refused: %i", async (status) => {
    const { board, tracker } = await boardWithClient();
    board.faults.add({ do: "status", status });
    const failure = await tracker.check().catch((error) => error);
    expect(failure).toMatchObject({ code: "TRACKER_UNAUTHORIZED", class: "permanent" });
    expect(failure.message).toContain("TRACKER_TOKEN");
  });

  test("asks an old board for its tasks, since its health page is no proof of the token", async () => {
    const board = await foreignBoard((request, response) => {
      if (request.url === "/api/v1/health") {
        return json(response, 200, { status: "ok" });
      }
      const known = request.headers.authorization === "Bearer foreign-token";
      json(response, known ? 200 : 401, known ? [] : { detail: "Unauthorized" });
    });
    await clientOf(board).check();
    const stranger = clientOf({ ...board, token: "another" });
    await expect(stranger.check()).rejects.toMatchObject({ code: "TRACKER_UNAUTHORIZED" });
  });

  test("does with an old board that has no health page", async () => {
    const board = await foreignBoard((request, response) =>
      request.url === "/api/v1/health"
        ? json(response, 404, {})
        : json(response, 200, { tasks: [] }),
    );
    await clientOf(board).check();
    expect(board.received.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET /api/v1/health",
      "GET /api/v1/tasks?limit=1",
    ]);
  });

  test("does not take any web server for a board", async () => {
    const silent = await foreignBoard((_, response) => json(response, 404, {}));
    await expect(clientOf(silent).check()).rejects.toMatchObject({
      code: "TRACKER_NOT_RECOGNIZED",
    });
    const chatty = await foreignBoard((_, response) => void response.end("<html>Welcome!</html>"));
    const failure = await clientOf(chatty)
      .check()
      .catch((error) => error);
    expect(failure).toMatchObject({ code: "TRACKER_NOT_RECOGNIZED", class: "permanent" });
    expect(failure.message).toContain(chatty.url);
  });

  test("refuses a board that does not keep the promise of the options", async () => {
    const { board, tracker } = await boardWithClient({ keys: false });
    const expected = { code: "TRACKER_CAPABILITY_MISMATCH", class: "permanent" };
    await expect(tracker.check()).rejects.toMatchObject(expected);
    await expect(tracker.check()).rejects.toThrow("idempotencyKeys: false");
    await clientOf(board, { idempotencyKeys: false }).check();
  });

  test("refuses a board that forgets keys sooner than the options say", async () => {
    const board = await foreignBoard((_, response) =>
      json(response, 200, { authenticated: true, idempotency_keys: true, keys_kept_ms: 60_000 }),
    );
    await expect(clientOf(board).check()).rejects.toThrow("keysKeptMs: 60000");
    const exact = clientOf(board, { keysKeptMs: 60_000 });
    await exact.check();
    expect(exact.capabilities).toEqual({ idempotencyKeys: true, keysKeptMs: 60_000 });
  });

  test("can be cancelled", async () => {
    const { tracker } = await boardWithClient();
    const expected = { code: "TRACKER_CANCELLED", class: "transient" };
    await expect(tracker.check(AbortSignal.abort())).rejects.toMatchObject(expected);
  });
});

test.each([0, -1, 1.5, Number.POSITIVE_INFINITY])(
  "%d is no timeout: a programmer's mistake",
  (timeoutMs) => {
    expect(() => clientOf({ url: "http://board", token: "t" }, { timeoutMs })).toThrow(TypeError);
  },
);
