import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { RunPlan } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { expect, test } from "vitest";

import { recordWords } from "./host-log.ts";
import {
  envelope,
  hostPath,
  mailboxFixture,
  numberedName,
  place,
  runSpec,
} from "./mailbox-fixture.ts";

const HELLO = { type: "hello", agent: "x", context: "fresh", holds: [] } as const;
const TAKE = { type: "operation", operation: { type: "task.take", task: "1" } } as const;

test("dead letters are listed by session, run and number, with what was wrong", async () => {
  await using stage = await deadLetterStage();
  const [letter, ...others] = await stage.mailbox.deadLetters();
  expect(others).toEqual([]);
  expect(letter).toMatchObject({ sessionId: "task-42", runId: stage.plan.runId, seq: 2 });
  expect(letter).toMatchObject({
    protocol: 1,
    code: "NOT_JSON",
    origin: `outbox/${numberedName(2)}`,
  });
  expect(await readFile(letter?.path ?? "", "utf8")).toBe("{ torn");
  const of = { sessionId: "task-42", runId: stage.plan.runId };
  expect(await stage.mailbox.deadLetters(of)).toHaveLength(1);
  expect(await stage.mailbox.deadLetters({ sessionId: "another" })).toEqual([]);
  await stage.mailbox.remove(stage.plan);
  expect(await stage.mailbox.deadLetters(of)).toHaveLength(1);
});

test("a dead letter that was mended is redriven once, under the key of its operation", async () => {
  await using stage = await deadLetterStage();
  const [letter] = await stage.mailbox.deadLetters();
  const done: unknown[] = [];
  const act = async (word: unknown, key: string): Promise<void> => {
    done.push([word, key]);
  };
  await expect(stage.mailbox.redrive(letter!, act)).rejects.toMatchObject({
    code: "DEAD_LETTER_UNREADABLE",
  });
  await writeFile(letter?.path ?? "", envelope(2, TAKE));
  const failing = async (): Promise<void> => {
    throw new Error("the Tracker is down");
  };
  await expect(stage.mailbox.redrive(letter!, failing)).rejects.toThrow("the Tracker is down");
  expect(await stage.mailbox.redrive(letter!, act)).toEqual(TAKE);
  expect(done).toEqual([[TAKE, `task-42/${stage.plan.runId}/2`]]);
  await expect(stage.mailbox.redrive(letter!, act)).rejects.toMatchObject({
    code: "DEAD_LETTER_REDRIVEN",
  });
  await expect(stage.mailbox.redrive({ ...letter!, seq: 99 }, act)).rejects.toMatchObject({
    code: "DEAD_LETTER_MISSING",
  });
  expect((await stage.mailbox.deadLetters())[0]?.redrivenAt).toBeGreaterThan(0);
});

test("an outbox over its quota is an error with a code, and what is left of the run is drained all the same", async () => {
  await using fixture = await mailboxFixture();
  const mailbox = fsMailbox({ root: fixture.root, outboxQuota: { entries: 20 } });
  const plan = await mailbox.prepare(runSpec());
  const outbox = hostPath(plan, "/waybill/outbox");
  for (let index = 0; index < 30; index += 1) await writeFile(join(outbox, `junk-${index}`), "");
  const host = recordWords(mailbox, plan);
  await expect(host.until(() => false)).rejects.toMatchObject({
    code: "OUTBOX_OVER_QUOTA",
    class: "transient",
  });
  // A run that is over is drained whatever lies there.
  await place(outbox, numberedName(1), envelope(1, HELLO));
  await place(outbox, numberedName(2), envelope(2, TAKE));
  const drained = recordedDrain(mailbox, plan);
  expect((await drained).map(({ type }) => type)).toEqual(["hello", "operation"]);
  await mailbox.close();
});

async function recordedDrain(mailbox: ReturnType<typeof fsMailbox>, plan: RunPlan) {
  const words = [];
  for await (const batch of mailbox.receive(plan, {
    after: { seq: 0, offset: 0 },
    follow: false,
    signal: AbortSignal.timeout(10_000),
  }))
    for (const item of batch) if (item.type === "word") words.push(item.word);
  return words;
}

async function deadLetterStage() {
  const fixture = await mailboxFixture();
  const mailbox = fsMailbox({ root: fixture.root });
  const plan = await mailbox.prepare(runSpec());
  const outbox = hostPath(plan, "/waybill/outbox");
  await place(outbox, numberedName(1), envelope(1, HELLO));
  await place(outbox, numberedName(2), "{ torn");
  await recordedDrain(mailbox, plan);
  return { mailbox, plan, [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose]() };
}
