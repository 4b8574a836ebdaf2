import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { httpTracker } from "@waybill/tracker-client";
import type { TokenSource } from "@waybill/tracker-client";
import type { Fault } from "@waybill/tracker-client/testing";
import { boardWithClient, callOf, clientOf, foreignBoard, json, message } from "./boards.ts";

describe("the token", () => {
  test("may come from a file, whose last line break does not count", async () => {
    const { board } = await boardWithClient();
    const file = await secretFile(`${board.token}\n`);
    await clientOf(board, { token: { file } }).check();
  });

  test("is read anew for every call, so that it can be rotated", async () => {
    const { board } = await boardWithClient();
    const file = await secretFile("old");
    const tracker = clientOf(board, { token: { file } });
    const expected = { code: "TRACKER_UNAUTHORIZED" };
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject(expected);
    await writeFile(file, board.token);
    await tracker.perform(message("Hi"));
  });

  test("that was rotated just as it was used is tried once more", async () => {
    const { board } = await boardWithClient();
    const tokens = ["old", board.token];
    const tracker = clientOf(board, { token: async () => tokens.shift() ?? "spent" });
    await tracker.perform(message("Hi"));
    expect(board.records.messages).toHaveLength(1);
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject({
      code: "TRACKER_UNAUTHORIZED",
    });
  });

  test.each<[string, TokenSource | undefined]>([
    ["missing", undefined],
    ["empty", ""],
    ["blank", " \n"],
    ["a path that is empty", { file: "" }],
    ["two lines", "one\ntwo"],
    ["beyond ASCII", "ключ"],
  ])("is refused at once where it is %s", (_, token) => {
    const make = () => httpTracker({ url: "http://board", token: token as TokenSource });
    expect(make).toThrow(
      expect.objectContaining({ code: "TRACKER_TOKEN_INVALID", class: "permanent" }),
    );
    expect(make).toThrow(/TRACKER_TOKEN/);
  });

  test("that cannot be had for the moment is transient: nothing was sent", async () => {
    const { board } = await boardWithClient();
    const failing: TokenSource[] = [
      { file: join(tmpdir(), "no-such-folder", "token") },
      () => Promise.reject(new Error("the vault is sealed")),
      { file: await secretFile("") },
      () => "two words",
    ];
    for (const token of failing) {
      const failure = await clientOf(board, { token })
        .perform(message("Hi"))
        .catch((error) => error);
      expect(failure).toMatchObject({ class: "transient" });
      expect(failure.code).toMatch(/^TRACKER_TOKEN_(UNREADABLE|INVALID)$/);
    }
    expect(board.requests).toBe(0);
  });

  test("that never comes is transient after the timeout", async () => {
    const { board } = await boardWithClient();
    const tracker = clientOf(board, { token: () => new Promise(() => {}), timeoutMs: 50 });
    const expected = { class: "transient", code: "TRACKER_TIMEOUT" };
    await expect(tracker.perform(message("Hi"))).rejects.toMatchObject(expected);
  });
});

describe("the token is never told", () => {
  const secret = "tok-3b9f-never-to-be-seen";

  test("in an error, whatever goes wrong, nor in a log or a URL", async () => {
    const lines: unknown[] = [];
    const log = (...line: unknown[]): void => void lines.push(line);
    const logger = { debug: log, info: log, warn: log, error: log };
    const { board } = await boardWithClient({ token: secret });
    const failures: unknown[] = [];
    const attempt = async (call: () => Promise<unknown>): Promise<void> => {
      failures.push(
        await call().then(
          () => expect.fail("It should have failed."),
          (error: unknown) => error,
        ),
      );
    };
    const tracker = clientOf(board, { logger, timeoutMs: 100 });
    // A board that repeats what it got, token and all, in its body and where it redirects to.
    const echo = JSON.stringify({
      error: { code: secret, message: `Your header was Bearer ${secret}` },
    });
    const headers = { location: `http://elsewhere/${secret}?token=${secret}` };
    // Until they are cleared: on a slow machine a call that was given up may still arrive.
    const times = null;
    const attemptWith = async (fault: Fault, call: () => Promise<unknown>): Promise<void> => {
      board.faults.add({ ...fault, times });
      await attempt(call);
      board.faults.clear();
    };
    const perform = () => tracker.perform(message("Hi"));
    for (const status of [302, 400, 401, 403, 404, 409, 422, 429, 500, 503]) {
      await attemptWith({ do: "status", status, body: echo, headers }, perform);
      const lookup = () => tracker.lookup(message("Hi"));
      await attemptWith({ do: "status", status, body: secret, headers }, lookup);
    }
    await attemptWith({ do: "drop", when: "before" }, perform);
    await attemptWith({ do: "garbage" }, perform);
    await attemptWith({ do: "delay", when: "before", ms: 300 }, perform);
    await attempt(() => clientOf(board, { logger, token: `not-${secret}` }).check());
    await attempt(async () => clientOf(board, { logger, token: `${secret}\n${secret}` }));
    await attempt(() =>
      clientOf(board, { token: () => Promise.reject(new Error(secret)) }).check(),
    );
    await attempt(() => clientOf(board, { token: () => `${secret} ${secret}` }).check());
    await board.close();
    await attempt(() => tracker.check());

    expect(failures.length).toBeGreaterThan(25);
    for (const failure of failures) {
      expect(inspect(failure, { depth: Infinity, showHidden: true })).not.toContain(secret);
      expect(JSON.stringify(failure)).not.toContain(secret);
    }
    expect(lines.length).toBeGreaterThan(20);
    expect(inspect(lines, { depth: Infinity, maxArrayLength: null })).not.toContain(secret);
  });

  test("in the URL of any request", async () => {
    const board = await foreignBoard((_, response) =>
      json(response, 200, { id: "7", status: "done" }),
    );
    const tracker = clientOf(board, { token: secret });
    await tracker.perform(callOf({ type: "task.complete", task: "7" }));
    await tracker.perform(callOf({ type: "task.get", task: "7" }));
    expect(board.received.map(({ url }) => url).join(" ")).not.toContain(secret);
  });
});

test("a logger that throws changes nothing", async () => {
  const fail = (): void => {
    throw new Error("The disk is full.");
  };
  const { tracker } = await boardWithClient({
    client: { logger: { debug: fail, info: fail, warn: fail, error: fail } },
  });
  await tracker.perform(message("Hi"));
});

async function secretFile(content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "waybill-token-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "token");
  await writeFile(file, content);
  return file;
}
