import { writeFileSync } from "node:fs";
import {
  appendFile,
  mkdir,
  readFile,
  readdir,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import type { AgentWord, Incoming, Letter, Mailbox, Mark, RunPlan } from "@waybill/core";
import { expect, test } from "vitest";

import { recordWords } from "./host-log.ts";
import { frame, hostPath, mailboxFixture, place } from "./mailbox-fixture.ts";

const START: Mark = { seq: 0, offset: 0 };

test("an old run is ready at once, by a hello that the host makes, and only once", async () => {
  await using stage = await oldStage();
  const host = recordWords(stage.mailbox, stage.plan);
  await host.word(({ type }) => type === "hello");
  await host.stop();
  expect(host.words).toEqual([{ type: "hello", agent: "protocol-0", context: "fresh", holds: [] }]);
  expect(host.mark).toEqual({ seq: 1, offset: 0 });
  expect(wordsOf(await drain(stage.mailbox, stage.plan, host.mark))).toEqual([]);
});

test("an old run that ended without a word was never ready", async () => {
  await using stage = await oldStage();
  await appendFile(stage.plan.stdout.host, "Traceback (most recent call last):\n");
  expect(wordsOf(await drain(stage.mailbox, stage.plan))).toEqual([]);
});

test("a resumed old run says so in its hello", async () => {
  await using stage = await oldStage({ conversation: { id: "c-1", resume: true } });
  await appendFile(stage.plan.stdout.host, frame({ result: "x" }));
  const [hello] = wordsOf(await drain(stage.mailbox, stage.plan));
  expect(hello).toMatchObject({ type: "hello", context: "resumed" });
  expect(JSON.parse(await readFile(stage.plan.stdin.host, "utf8"))).toMatchObject({
    sessionId: "c-1",
  });
});

test("frames are read from the recorded offset, with names that a restart does not change", async () => {
  await using stage = await oldStage();
  await appendFile(
    stage.plan.stdout.host,
    `boot\n${frame({ result: "one" })}noise\n${frame({ result: "two", newSessionId: "s-2" })}`,
  );
  const all = await drain(stage.mailbox, stage.plan);
  const [, one, two] = all;
  expect(one).toMatchObject({
    word: { type: "turn_ended", turn: "frame-5", text: "one", outcome: "completed" },
  });
  const again = await drain(stage.mailbox, stage.plan, one!.mark);
  expect(again).toMatchObject([
    { mark: { offset: two!.mark.offset }, word: { text: "two", conversation: "s-2" } },
  ]);
  expect(again[0]!.word).toEqual(two!.word);
});

test("a frame is handed over as it is printed, not at the end of the run", async () => {
  await using stage = await oldStage();
  const host = recordWords(stage.mailbox, stage.plan);
  await host.word(({ type }) => type === "hello");
  const [first, second] = [
    frame({ result: "live" }).slice(0, 30),
    frame({ result: "live" }).slice(30),
  ];
  await appendFile(stage.plan.stdout.host, first);
  await pause(50);
  await appendFile(stage.plan.stdout.host, second);
  await host.word((word) => word.type === "turn_ended" && word.text === "live");
  await host.stop();
});

test("operations come before the end of the turn in which they were written", async () => {
  await using stage = await oldStage();
  await place(
    stage.messages,
    "1700000000001-aaaaaaaa.json",
    `{"type":"chat_message","chat_id":7,"content":"hi"}`,
  );
  await place(stage.tasks, "1700000000002-bbbbbbbb.json", `{"type":"task_complete","task_id":"t"}`);
  await appendFile(stage.plan.stdout.host, frame({ result: "done" }));
  expect(wordsOf(await drain(stage.mailbox, stage.plan)).map(({ type }) => type)).toEqual([
    "hello",
    "operation",
    "operation",
    "turn_ended",
  ]);
});

test("files of both folders come in the order of the milliseconds in their names", async () => {
  await using stage = await oldStage();
  const take = (task: string): string => `{"type":"task_take","task_id":"${task}"}`;
  await place(stage.tasks, "1700000000003-00000000.json", take("3"));
  await place(stage.messages, "1700000000002-ffffffff.json", take("2"));
  await place(stage.tasks, "999-00000000.json", take("1"));
  await place(stage.tasks, "no-time.json", take("4"));
  const tasks = wordsOf(await drain(stage.mailbox, stage.plan)).flatMap((word) =>
    word.type === "operation" && word.operation.type === "task.take" ? [word.operation.task] : [],
  );
  expect(tasks).toEqual(["1", "2", "3", "4"]);
});

test.each([
  ["content", { content: "x" }],
  ["comment", { comment: "x" }],
  ["text", { text: "x" }],
])("a comment's text is found under %s", async (_, field) => {
  await using stage = await oldStage();
  await place(
    stage.tasks,
    "1-a.json",
    JSON.stringify({ type: "task_comment", task_id: 5, agent_name: "boss", ...field }),
  );
  const [, word] = wordsOf(await drain(stage.mailbox, stage.plan));
  expect(word).toEqual({
    type: "operation",
    operation: { type: "task.comment", task: "5", content: "x" },
  });
});

test("a file that is written in place is waited for until it is whole", async () => {
  await using stage = await oldStage();
  const host = recordWords(stage.mailbox, stage.plan);
  await host.word(({ type }) => type === "hello");
  const path = join(stage.tasks, "1-a.json");
  await writeFile(path, `{"type":"task_take",`);
  const spool = join(dirname(stage.tasks), "spool");
  await until(async () => (await readdir(spool)).length === 1);
  await appendFile(join(spool, (await readdir(spool))[0]!), `"task_id":"5"}`);
  await host.word(({ type }) => type === "operation");
  await host.stop();
});

test("a claimed file survives a crash before it is recorded, under the same number", async () => {
  await using stage = await oldStage();
  for (const task of ["1", "2"])
    await place(stage.tasks, `${task}-a.json`, `{"type":"task_take","task_id":"${task}"}`);
  const first = await firstBatch(stage.mailbox, stage.plan);
  expect(await readdir(stage.tasks)).toEqual([]);
  await place(stage.tasks, "0-late.json", `{"type":"task_take","task_id":"3"}`);
  const again = await drain(stage.mailbox, stage.plan);
  expect(again.slice(0, 3).map(({ mark, word }) => [mark, word])).toEqual(
    first.map(({ mark, word }) => [mark, word]),
  );
  expect(again).toHaveLength(4);
});

test("what a host that lost its session claims meanwhile is not lost and overwrites nothing", async () => {
  await using stage = await oldStage();
  await place(stage.tasks, "1-a.json", `{"type":"task_take","task_id":"1"}`);
  const host = recordWords(stage.mailbox, stage.plan);
  await host.word(({ type }) => type === "operation");
  // The stale host moves a file under a number that it believes to be the next.
  const spool = join(dirname(stage.tasks), "spool");
  await writeFile(join(stage.root, "claimed"), `{"type":"task_take","task_id":"2"}`);
  await rename(join(stage.root, "claimed"), join(spool, "0000000000000002.0badc0de.json"));
  await host.word(
    (word) =>
      word.type === "operation" &&
      word.operation.type === "task.take" &&
      word.operation.task === "2",
  );
  await host.stop();
  expect(host.mark.seq).toBe(3);
});

test("files that are no operation are dead letters and hold up nothing", async () => {
  await using stage = await oldStage();
  await symlink("/etc/passwd", join(stage.messages, "1-link.json"));
  await mkdir(join(stage.messages, "2-folder.json"));
  await place(stage.messages, "3-unknown.json", `{"type":"run","command":"id"}`);
  await place(stage.messages, "4-path.json", `{"type":"task_take","task_id":"../../x"}`);
  await place(stage.messages, "5-good.json", `{"type":"task_take","task_id":"5"}`);
  await writeFile(join(stage.messages, "6-half.json.tmp"), "{");
  const words = wordsOf(await drain(stage.mailbox, stage.plan));
  expect(words.map((word) => (word.type === "unreadable" ? word.code : word.type))).toEqual([
    "hello",
    "NOT_A_FILE",
    "NOT_A_FILE",
    "INVALID_OPERATION",
    "INVALID_OPERATION",
    "operation",
  ]);
  expect(
    (await readdir(join(dirname(stage.messages), "dead-letters"))).filter((name) =>
      name.endsWith(".error.json"),
    ),
  ).toHaveLength(4);
  expect(await readdir(stage.messages)).toEqual(["6-half.json.tmp"]);
});

test("output that the run cut off is one unreadable word, and what it printed is not read again", async () => {
  await using stage = await oldStage();
  const host = recordWords(stage.mailbox, stage.plan);
  await appendFile(stage.plan.stdout.host, frame({ result: "one" }));
  await host.word(({ type }) => type === "turn_ended");
  await truncate(stage.plan.stdout.host, 0);
  await host.word(({ type }) => type === "unreadable");
  await appendFile(stage.plan.stdout.host, frame({ result: "two" }));
  await host.word((word) => word.type === "turn_ended" && word.text === "two");
  await host.stop();
  expect(host.words.map(({ type }) => type)).toEqual([
    "hello",
    "turn_ended",
    "unreadable",
    "turn_ended",
  ]);
  expect(host.words[2]).toMatchObject({ code: "STDOUT_DAMAGED" });
  expect(wordsOf(await drain(stage.mailbox, stage.plan, host.mark))).toEqual([]);
});

test("output that was cut off and grew back between two looks is noticed by its end", async () => {
  await using stage = await oldStage();
  const host = recordWords(stage.mailbox, stage.plan);
  await appendFile(stage.plan.stdout.host, frame({ result: "one" }));
  await host.word(({ type }) => type === "turn_ended");
  // In one go, as far as this host can see: it shares the thread.
  writeFileSync(stage.plan.stdout.host, frame({ result: "forged" }).repeat(3));
  await host.word(({ type }) => type === "unreadable");
  await host.stop();
  expect(host.words.filter(({ type }) => type === "turn_ended")).toHaveLength(1);
});

test("output that is gone or was swapped while the host was away is one unreadable word", async () => {
  await using stage = await oldStage();
  await rm(stage.plan.stdout.host);
  await symlink("/etc/passwd", stage.plan.stdout.host);
  const words = wordsOf(await drain(stage.mailbox, stage.plan, { seq: 1, offset: 10 }));
  expect(words).toMatchObject([{ type: "unreadable", code: "STDOUT_DAMAGED" }]);
});

test("a message that the agent has read and removed is not put again", async () => {
  await using stage = await oldStage();
  await stage.mailbox.put(stage.plan, message(1));
  const [name] = await readdir(stage.input);
  expect(name).toMatch(/^\d{13}-[0-9a-f]{8}\.json$/);
  expect(JSON.parse(await readFile(join(stage.input, name!), "utf8"))).toEqual({
    type: "message",
    text: "text 1",
  });
  await rm(join(stage.input, name!));
  await stage.mailbox.put(stage.plan, message(1));
  await (await stage.another()).put(stage.plan, message(1));
  expect(await readdir(stage.input)).toEqual([]);
  await stage.mailbox.put(stage.plan, { ...message(1), delivery: 2 });
  expect(await readdir(stage.input)).toHaveLength(1);
});

test.each(["before its name was chosen", "before it was moved"])(
  "a message whose host died %s is put by the next",
  async (moment) => {
    await using stage = await oldStage();
    await stage.mailbox.put(stage.plan, message(1));
    const puts = join(dirname(stage.input), "puts");
    const [name] = await readdir(stage.input);
    await rename(join(stage.input, name!), join(puts, "m.m1.1.staged"));
    if (moment === "before its name was chosen") await rm(join(puts, "m.m1.1.name"));
    await (await stage.another()).put(stage.plan, message(1));
    expect(await readdir(stage.input)).toHaveLength(1);
  },
);

test("messages of one millisecond, and of a clock that was set back, keep their order", async () => {
  await using stage = await oldStage();
  for (let position = 1; position <= 50; position += 1)
    await stage.mailbox.put(stage.plan, message(position));
  const latest = join(dirname(stage.input), "puts", "latest");
  await writeFile(latest, String(Date.now() + 3_600_000));
  await stage.mailbox.put(stage.plan, message(51));
  const texts = await Promise.all(
    (await readdir(stage.input))
      .toSorted()
      .map(async (name) => JSON.parse(await readFile(join(stage.input, name), "utf8")).text),
  );
  expect(texts).toEqual(Array.from({ length: 51 }, (_, index) => `text ${index + 1}`));
});

test("a close that the agent has read is not put again, and answers and interrupts are nothing", async () => {
  await using stage = await oldStage();
  await stage.mailbox.put(stage.plan, { type: "answer", re: 2, status: "delivered" });
  await stage.mailbox.put(stage.plan, { type: "interrupt", turn: "t1" });
  expect(await readdir(stage.input)).toEqual([]);
  const close: Letter = { type: "close", reason: "done", deadlineMs: 1_000 };
  await stage.mailbox.put(stage.plan, close);
  expect(await readFile(join(stage.input, "_close"), "utf8")).toBe("");
  await rm(join(stage.input, "_close"));
  await stage.mailbox.put(stage.plan, close);
  expect(await readdir(stage.input)).toEqual([]);
});

interface OldStage extends AsyncDisposable {
  readonly mailbox: Mailbox;
  readonly another: () => Promise<Mailbox>;
  readonly plan: RunPlan;
  readonly root: string;
  readonly input: string;
  readonly messages: string;
  readonly tasks: string;
}

async function oldStage(change: Parameters<typeof mailboxFixture>[0] = {}): Promise<OldStage> {
  const fixture = await mailboxFixture({ protocol: 0, prompt: "begin", ...change });
  const plan = await fixture.mailbox.prepare(fixture.run());
  return {
    mailbox: fixture.mailbox,
    another: fixture.another,
    plan,
    root: fixture.root,
    input: hostPath(plan, "/workspace/ipc/input"),
    messages: hostPath(plan, "/workspace/ipc/messages"),
    tasks: hostPath(plan, "/workspace/ipc/tasks"),
    [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
  };
}

type Heard = Extract<Incoming, { type: "word" }>;

async function drain(
  mailbox: Mailbox,
  plan: RunPlan,
  after: Mark = START,
): Promise<readonly Heard[]> {
  const items: Incoming[] = [];
  for await (const batch of mailbox.receive(plan, {
    after,
    follow: false,
    signal: AbortSignal.timeout(10_000),
  }))
    items.push(...batch);
  return items.filter((item) => item.type === "word");
}

async function firstBatch(mailbox: Mailbox, plan: RunPlan): Promise<readonly Heard[]> {
  for await (const batch of mailbox.receive(plan, {
    after: START,
    follow: false,
    signal: AbortSignal.timeout(10_000),
  })) {
    return batch.filter((item) => item.type === "word");
  }
  return [];
}

function wordsOf(heard: readonly Heard[]): readonly AgentWord[] {
  return heard.map(({ word }) => word);
}

function message(position: number): Extract<Letter, { type: "message" }> {
  return {
    type: "message",
    id: `m${position}`,
    delivery: 1,
    position,
    text: `text ${position}`,
    from: null,
  };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${String(holds)}`);
    await pause(5);
  }
}
