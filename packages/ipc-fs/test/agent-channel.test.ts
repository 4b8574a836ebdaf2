import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import type { Letter, Mailbox, RunPlan, RunSpec } from "@waybill/core";
import { planEnvironment } from "@waybill/core";
import { connectAgent, readStart } from "@waybill/ipc-fs/agent";
import type { AgentChannel, ConnectOptions } from "@waybill/ipc-fs/agent";
import { expect, test } from "vitest";

import { recordWords } from "./host-log.ts";
import { hostPath, mailboxFixture, numberedName, place } from "./mailbox-fixture.ts";

test("an agent and a host hold a conversation", async () => {
  await using pair = await connectedPair();
  const { channel, mailbox, plan } = pair;
  await channel.hello({ agent: "test/1", context: "fresh", holds: [] });
  await mailbox.put(plan, message(1, "Привет"));
  const [letter] = await take(channel, 1);
  expect(letter).toEqual(message(1, "Привет"));
  await channel.accepted("t1", "m1");
  const host = recordWords(mailbox, plan);
  const answer = channel.operation({ type: "task.take", task: "42" });
  await host.word(({ type }) => type === "operation");
  await mailbox.put(plan, { type: "answer", re: 3, status: "delivered", data: { id: "42" } });
  expect(await answer).toEqual({ re: 3, status: "delivered", data: { id: "42" } });
  await channel.turnEnded({ turn: "t1", outcome: "completed", text: "done", costUsd: 0.5 });
  await channel.bye();
  await host.word(({ type }) => type === "bye");
  await host.stop();
  expect(host.words.map(({ type }) => type)).toEqual([
    "hello",
    "accepted",
    "operation",
    "turn_ended",
    "bye",
  ]);
});

test("messages come in the order of their positions, each once, and the close comes last", async () => {
  await using pair = await connectedPair();
  const { channel, mailbox, plan } = pair;
  await mailbox.put(plan, { type: "close", reason: "done", deadlineMs: 1_000 });
  for (const position of [3, 1, 2]) await mailbox.put(plan, message(position, `text ${position}`));
  // The same delivery under another name: an agent that was given it twice still takes it once.
  await place(
    hostPath(plan, "/waybill/inbox"),
    "m.0000000009.0001.json",
    JSON.stringify({
      v: 1,
      type: "message",
      at: 0,
      data: { ...message(1, "text 1"), type: undefined },
    }),
  );
  const letters = await take(channel, 10);
  expect(
    letters.map((letter) => (letter.type === "message" ? letter.position : letter.type)),
  ).toEqual([1, 2, 3, "close"]);
});

test("a second delivery of a message is handed out again", async () => {
  await using pair = await connectedPair();
  const { channel, mailbox, plan } = pair;
  await mailbox.put(plan, message(1, "again"));
  await mailbox.put(plan, { ...message(1, "again"), delivery: 2 });
  const letters = await take(channel, 2);
  expect(letters.map((letter) => (letter.type === "message" ? letter.delivery : 0))).toEqual([
    1, 2,
  ]);
});

test("an interrupt overtakes messages that nobody has read yet", async () => {
  await using pair = await connectedPair();
  const { channel, mailbox, plan } = pair;
  await mailbox.put(plan, message(1, "first"));
  await take(channel, 1);
  await mailbox.put(plan, { type: "interrupt", turn: "t1" });
  expect(await take(channel, 1)).toEqual([{ type: "interrupt", turn: "t1" }]);
});

test("a message that is put while the agent has no watch is found by polling", async () => {
  await using pair = await connectedPair({ watch: false });
  const { channel, mailbox, plan } = pair;
  const next = take(channel, 1);
  await pause(300);
  const putAt = performance.now();
  await mailbox.put(plan, message(1, "hello"));
  expect(await next).toHaveLength(1);
  expect(performance.now() - putAt).toBeLessThan(1_000);
});

test("an operation waits for its answer over a restart of the host", async () => {
  await using pair = await connectedPair();
  const { channel, fixture, mailbox, plan } = pair;
  await channel.hello({ agent: "test/1", context: "fresh", holds: [] });
  const answer = channel.operation({ type: "task.get", task: "42" });
  await mailbox.close();
  const other = await fixture.another();
  const host = recordWords(other, plan);
  await host.word(({ type }) => type === "operation");
  await host.stop();
  await other.put(plan, {
    type: "answer",
    re: 2,
    status: "rejected",
    error: { code: "NOT_YOURS", message: "No." },
  });
  expect(await answer).toEqual({
    re: 2,
    status: "rejected",
    error: { code: "NOT_YOURS", message: "No." },
  });
});

test("aborting an operation ends the wait, not the operation", async () => {
  await using pair = await connectedPair();
  const { channel, plan } = pair;
  await channel.hello({ agent: "test/1", context: "fresh", holds: [] });
  const stop = new AbortController();
  const answer = channel.operation({ type: "task.get", task: "42" }, { signal: stop.signal });
  const failure = answer.catch((error: unknown) => error);
  await until(() => existsSync(join(hostPath(plan, "/waybill/outbox"), numberedName(2))));
  stop.abort(new Error("enough"));
  expect(await failure).toEqual(new Error("enough"));
});

test("an operation that is aborted before it is asked is never written", async () => {
  await using pair = await connectedPair();
  const { channel, plan } = pair;
  await channel.hello({ agent: "test/1", context: "fresh", holds: [] });
  await expect(
    channel.operation({ type: "task.get", task: "42" }, { signal: AbortSignal.abort() }),
  ).rejects.toThrow("aborted");
  expect(await wordsIn(plan)).toEqual([numberedName(1)]);
});

test("words asked for at the same time get numbers in the order of the calls", async () => {
  await using pair = await connectedPair();
  const { channel, plan } = pair;
  await Promise.all([
    channel.hello({ agent: "test/1", context: "fresh", holds: [] }),
    ...Array.from({ length: 20 }, (_, index) => channel.accepted("t1", `m${index + 1}`)),
  ]);
  const files = await wordsIn(plan);
  const types = await Promise.all(
    files.map(
      async (name) =>
        JSON.parse(await readFile(join(hostPath(plan, "/waybill/outbox"), name), "utf8")).data
          .message,
    ),
  );
  expect(types.slice(1)).toEqual(Array.from({ length: 20 }, (_, index) => `m${index + 1}`));
});

test("the agent stops writing while too many words lie unread, and goes on when they go", async () => {
  await using pair = await connectedPair({}, (start) => ({
    ...start,
    limits: { fileBytes: 262_144, unacknowledged: 4 },
  }));
  const { channel, plan } = pair;
  await channel.hello({ agent: "test/1", context: "fresh", holds: [] });
  const all = Array.from({ length: 5 }, (_, index) => channel.accepted("t1", `m${index}`));
  await until(async () => (await wordsIn(plan)).length === 4);
  await pause(150);
  expect(await wordsIn(plan)).toHaveLength(4);
  const outbox = hostPath(plan, "/waybill/outbox");
  await rm(join(outbox, numberedName(1)));
  await rm(join(outbox, numberedName(2)));
  await Promise.all(all);
  expect((await wordsIn(plan)).at(-1)).toBe(numberedName(6));
});

test("a turn's text that does not fit is cut with a note, at a whole character", async () => {
  await using pair = await connectedPair();
  const { channel, mailbox, plan } = pair;
  await channel.hello({ agent: "test/1", context: "fresh", holds: [] });
  await channel.turnEnded({ turn: "t1", outcome: "completed", text: "🜚\n".repeat(200_000) });
  const host = recordWords(mailbox, plan);
  const word = await host.word(({ type }) => type === "turn_ended");
  await host.stop();
  if (word.type !== "turn_ended") throw new Error("never");
  expect(word.text).toMatch(/\n\[cut: \d+ of 600000 characters\]$/);
  expect(word.text.isWellFormed()).toBe(true);
  expect(Buffer.byteLength(word.text)).toBeGreaterThan(150_000);
});

test("an operation that does not fit is refused, and the next word takes its number", async () => {
  await using pair = await connectedPair();
  const { channel, plan } = pair;
  await channel.hello({ agent: "test/1", context: "fresh", holds: [] });
  const large = channel.operation({ type: "chat.send", chat: "c-1", content: "x".repeat(300_000) });
  await expect(large).rejects.toMatchObject({ code: "WORD_TOO_LARGE" });
  await channel.accepted("t1", "m1");
  expect(await wordsIn(plan)).toEqual([numberedName(1), numberedName(2)]);
});

test("the heartbeat beats until bye", async () => {
  await using pair = await connectedPair({ heartbeatMs: 20 });
  const { channel, plan } = pair;
  const alive = join(hostPath(plan, "/waybill/outbox"), ".alive");
  const first = (await stat(alive)).mtimeMs;
  await until(async () => (await stat(alive)).mtimeMs > first);
  await channel.hello({ agent: "test/1", context: "fresh", holds: [] });
  await channel.bye();
  const last = (await stat(alive)).mtimeMs;
  await pause(100);
  expect((await stat(alive)).mtimeMs).toBe(last);
});

test("bye ends the letters and the operations that still wait", async () => {
  await using pair = await connectedPair();
  const { channel, plan } = pair;
  await channel.hello({ agent: "test/1", context: "fresh", holds: [] });
  const answer = channel.operation({ type: "task.get", task: "42" });
  const failure = answer.catch((error: unknown) => error);
  await until(async () => (await wordsIn(plan)).length === 2);
  const letters = take(channel, 10);
  await channel.bye();
  expect(await failure).toMatchObject({ code: "CHANNEL_CLOSED" });
  expect(await letters).toEqual([]);
  await expect(channel.accepted("t1", "m1")).rejects.toThrow("after bye");
});

test("a word before hello is the agent's mistake", async () => {
  await using pair = await connectedPair();
  await expect(pair.channel.accepted("t1", "m1")).rejects.toThrow("Say hello before");
});

test("a turn's name that the host could not put into a file name is the agent's mistake", async () => {
  await using pair = await connectedPair();
  await pair.channel.hello({ agent: "test/1", context: "fresh", holds: [] });
  await expect(pair.channel.accepted("../t1", "m1")).rejects.toThrow(TypeError);
});

test("an outbox that is gone fails the word and says the fix", async () => {
  await using pair = await connectedPair();
  const { channel, plan } = pair;
  await rm(hostPath(plan, "/waybill/outbox"), { recursive: true });
  await expect(
    channel.hello({ agent: "test/1", context: "fresh", holds: [] }),
  ).rejects.toMatchObject({ code: "OUTBOX_UNWRITABLE" });
  await mkdir(hostPath(plan, "/waybill/outbox"));
});

test("a host that speaks protocol 0 is told apart by its standard input", async () => {
  const old = {
    prompt: "hi",
    sessionId: null,
    agentSlug: "coder",
    agentName: "Кодер",
    secrets: { KEY: "x" },
  };
  expect(readStart(JSON.stringify(old))).toEqual({ protocol: 0, ...old });
  await expect(connectAgent({ env: {}, stdin: JSON.stringify(old) })).rejects.toMatchObject({
    code: "OLD_HOST",
  });
});

test.each([
  ["nothing", "", "START_UNREADABLE"],
  ["a list", "[]", "START_UNREADABLE"],
  ["a protocol from the future", `{"v":1,"protocol":2}`, "PROTOCOL_UNKNOWN"],
  [
    "a start word without limits",
    `{"v":1,"protocol":1,"session":"s","run":"r","agent":{"slug":"a","name":"b"},"conversation":{"id":"c","resume":false},"unsettled":[],"config":{}}`,
    "START_UNREADABLE",
  ],
])("standard input that is %s is refused with a code", (_, text, code) => {
  expect(() => readStart(text)).toThrow(expect.objectContaining({ code }));
});

test("a program that no host started is told so", async () => {
  await using pair = await connectedPair();
  const stdin = await readFile(pair.plan.stdin.host, "utf8");
  await expect(connectAgent({ env: {}, stdin })).rejects.toMatchObject({ code: "NOT_A_RUN" });
});

interface Pair extends AsyncDisposable {
  readonly channel: AgentChannel;
  readonly fixture: Awaited<ReturnType<typeof mailboxFixture>>;
  readonly mailbox: Mailbox;
  readonly plan: RunPlan;
}

async function connectedPair(
  options: ConnectOptions = {},
  change: (start: Record<string, unknown>) => Record<string, unknown> = (start) => start,
  spec: Partial<RunSpec> = {},
): Promise<Pair> {
  const fixture = await mailboxFixture();
  const plan = await fixture.mailbox.prepare(fixture.run(spec));
  const start = change(JSON.parse(await readFile(plan.stdin.host, "utf8")));
  const channel = await connectAgent({
    env: planEnvironment(plan, "host"),
    stdin: JSON.stringify(start),
    ...options,
  });
  return {
    channel,
    fixture,
    mailbox: fixture.mailbox,
    plan,
    async [Symbol.asyncDispose]() {
      channel.close();
      await fixture[Symbol.asyncDispose]();
    },
  };
}

function message(position: number, text: string): Extract<Letter, { type: "message" }> {
  return { type: "message", id: `m${position}`, delivery: 1, position, text, from: null };
}

async function take(channel: AgentChannel, count: number): Promise<readonly Letter[]> {
  const letters: Letter[] = [];
  for await (const letter of channel.letters()) {
    letters.push(letter);
    if (letters.length === count) break;
  }
  return letters;
}

async function wordsIn(plan: RunPlan): Promise<readonly string[]> {
  const names = await readdir(hostPath(plan, "/waybill/outbox"));
  return names.filter((name) => !name.startsWith(".")).toSorted();
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${String(holds)}`);
    await pause(5);
  }
}
