import { appendFileSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { messageUuid } from "../src/claude/message-uuid.ts";
import { agentFixture } from "./agent-fixture.ts";
import { lastRequest, requestsOf } from "./model-requests.ts";
import { script } from "./run-harness.ts";
import { queuedIn, transcriptFile } from "./transcript-file.ts";

const at = agentFixture();

test("a new process remembers what was said in the one before", async () => {
  const first = at.start();
  first.send("m-1", "The word of the day is marzipan.");
  await first.word("turn_ended");
  first.close();
  await first.exit();
  const second = at.start({ resume: true });
  expect((await second.word("hello")).context).toBe("resumed");
  second.send("m-2", script("recall /word of the day is (\\w+)/ It was $1."));
  expect((await second.word("turn_ended")).text).toBe("It was marzipan.");
  expect(lastRequest(at.model, at.conversation).texts).toContain(
    "The word of the day is marzipan.",
  );
});

test("killed in a tool: hello names the message that the transcript holds, and not the one that waited", async () => {
  const first = at.start({ answer: () => null });
  first.send("m-1", script(`tool task_get {"task":"t-1"}`, "say finished after the restart"));
  await first.word("operation");
  first.send("m-2", "waits in the queue");
  await expect
    .poll(() => queuedIn(at.home, at.conversation), { timeout: 20_000 })
    .toContain("waits in the queue");
  first.kill();
  await first.exit();

  const second = at.start({ resume: true, unsettled: ["m-1", "m-2", "m-3"] });
  expect(await second.word("hello")).toMatchObject({ context: "resumed", holds: ["m-1"] });
  // What the host does now: one continuation for what is held, and the others again.
  second.send("c-1", "Your run was ended in the middle of a turn. Go on.");
  expect((await second.word("turn_ended")).text).toBe("finished after the restart");
  second.send("m-2", script("say the second"), { delivery: 2 });
  expect((await second.word("turn_ended", (word) => word.turn === "t2")).text).toBe("the second");
  expect(lastRequest(at.model, at.conversation).results.join()).toContain("outcome is unknown");
});

test("no tool runs before the transcript has the message, and no turn ends before it has the end", async () => {
  for (const attempt of [1, 2, 3]) {
    const onDisk: boolean[] = [];
    const first = at.start({
      resume: attempt > 1,
      answer: () => {
        const file = transcriptFile(at.home, at.conversation);
        const uuid = messageUuid(`m-${attempt}`);
        onDisk.push(file !== null && readFileSync(file, "utf8").includes(`"uuid":"${uuid}"`));
        return null;
      },
    });
    const text = script("instead", `tool task_get {"task":"t-${attempt}"}`, "say never");
    first.send(`m-${attempt}`, text);
    await first.word("operation");
    first.kill();
    await first.exit();
    expect(onDisk).toEqual([true]);
    const second = at.start({ resume: true, unsettled: [`m-${attempt}`] });
    expect((await second.word("hello")).holds).toEqual([`m-${attempt}`]);
    second.send(`n-${attempt}`, script("instead", `say end ${attempt}`));
    const { transcript } = await second.word("turn_ended");
    second.kill();
    await second.exit();
    expect(readFileSync(transcriptFile(at.home, at.conversation)!, "utf8")).toContain(
      `"uuid":"${transcript}"`,
    );
  }
});

test("a message that joined a running turn is held, too", async () => {
  const first = at.start({ answer: () => null });
  first.send(
    "m-1",
    script(`tool task_get {"task":"t-1"}`, `tool task_get {"task":"t-2"}`, "say the end"),
  );
  const { seq } = await first.word("operation");
  first.send("m-2", "joins");
  await expect
    .poll(() => queuedIn(at.home, at.conversation), { timeout: 20_000 })
    .toContain("joins");
  first.answer(seq, { status: "delivered" });
  await first.word("operation", (word) => word.seq > seq);
  expect(await first.word("accepted", (word) => word.message === "m-2")).toMatchObject({
    turn: "t1",
  });
  first.kill();
  await first.exit();
  const second = at.start({ resume: true, unsettled: ["m-2", "m-1"] });
  expect((await second.word("hello")).holds).toEqual(["m-2", "m-1"]);
});

test("a message that the transcript holds and that is handed over again is answered all the same", async () => {
  const text = script(`tool task_get {"task":"t-1"}`, "say answered once");
  const first = at.start({ answer: () => null });
  first.send("m-1", text);
  await first.word("operation");
  first.kill();
  await first.exit();
  const second = at.start({ resume: true });
  second.send("m-1", "the same message, whose script goes on", { delivery: 2 });
  expect(await second.word("accepted")).toMatchObject({ message: "m-1" });
  expect((await second.word("turn_ended")).text).toBe("answered once");
  expect(lastRequest(at.model, at.conversation).texts.join()).toContain("which you had before");
});

test("a message that comes twice in one run is answered once", async () => {
  const run = at.start();
  run.send("m-1", script("say once"));
  run.send("m-1", script("say once"), { delivery: 2 });
  run.send("m-2", script("say last"));
  run.close();
  await run.exit();
  expect(run.words.flatMap((word) => (word.type === "turn_ended" ? [word.text] : []))).toEqual([
    "once",
    "last",
  ]);
});

test.each([0, 150])(
  "killed %i ms after the first request: what the host does by hello's holds gets one answer",
  async (ms) => {
    const text = script("hang", "say at last");
    const first = at.start();
    first.send("m-1", text);
    await first.word("accepted");
    await expect
      .poll(() => requestsOf(at.model, at.conversation).length, { timeout: 20_000 })
      .toBe(1);
    await pause(ms);
    first.kill();
    await first.exit();
    const second = at.start({ resume: true, unsettled: ["m-1"] });
    const { holds } = await second.word("hello");
    if (holds.includes("m-1")) second.send("c-1", "Go on.");
    else second.send("m-1", text, { delivery: 2 });
    second.close();
    await second.exit();
    const ends = second.words.flatMap((word) => (word.type === "turn_ended" ? [word.text] : []));
    expect(ends).toEqual(["at last"]);
    const shown = lastRequest(at.model, at.conversation).texts;
    expect(shown.filter((shownText) => shownText.includes("say at last"))).toHaveLength(1);
  },
);

test("a transcript in which nothing was said yet is set aside, and the conversation begins", async () => {
  const first = at.start();
  first.send("m-1", "hello");
  await first.word("turn_ended");
  first.close();
  await first.exit();
  // As a kill between the SDK's first line and the message leaves it.
  const file = transcriptFile(at.home, at.conversation)!;
  writeFileSync(file, `${readFileSync(file, "utf8").split("\n")[0]}\n`);
  const second = at.start({ resume: true, unsettled: ["m-1"] });
  expect(await second.word("hello")).toMatchObject({ context: "lost", holds: [] });
  second.send("m-1", script("say begun"));
  expect((await second.word("turn_ended")).text).toBe("begun");
});

test("a conversation whose transcript is gone is said to be lost, and begins anew under its id", async () => {
  const run = at.start({ resume: true, unsettled: ["m-1"] });
  expect(await run.word("hello")).toMatchObject({ context: "lost", holds: [] });
  run.send("m-1", script("say anew"));
  expect((await run.word("turn_ended")).text).toBe("anew");
  expect(transcriptFile(at.home, at.conversation)).not.toBeNull();
});

test("a transcript that the host does not know of is gone on with", async () => {
  const first = at.start();
  first.send("m-1", "The word is marzipan.");
  await first.word("turn_ended");
  first.kill();
  await first.exit();
  const second = at.start({ resume: false, unsettled: ["m-1"] });
  expect(await second.word("hello")).toMatchObject({ context: "resumed", holds: ["m-1"] });
});

test("a transcript that breaks off in the middle of a line is gone on with", async () => {
  const first = at.start();
  first.send("m-1", "The word is marzipan.");
  await first.word("turn_ended");
  first.kill();
  await first.exit();
  appendFileSync(transcriptFile(at.home, at.conversation)!, '{"type":"user","message":{"role":"us');
  const second = at.start({ resume: true, unsettled: ["m-1"] });
  expect((await second.word("hello")).holds).toEqual(["m-1"]);
  second.send("m-2", script("recall /word is (\\w+)/"));
  expect((await second.word("turn_ended")).text).toBe("marzipan");
});

test("the cost goes on over a kill and over an orderly end, and is never counted twice", async () => {
  const costs: number[] = [];
  const turn = async (end: "close" | "kill"): Promise<void> => {
    const run = at.start({ resume: costs.length > 0 });
    run.send(`m-${costs.length}`, script("usage input=1000 output=1000", "say x"));
    costs.push((await run.word("turn_ended")).costUsd!);
    if (end === "kill") run.kill();
    else run.close();
    await run.exit();
  };
  for (const end of ["kill", "close", "kill", "kill", "close"] as const) await turn(end);
  const steps = costs.map((cost, index) => cost - (costs[index - 1] ?? 0));
  for (const step of steps) expect(step).toBeCloseTo(costs[0]!, 6);
});

test("nothing but the state folder is written outside the workspace", async () => {
  const run = at.start();
  run.send("m-1", "hello");
  await run.word("turn_ended");
  run.close();
  await run.exit();
  expect(readdirSync(`${at.home}/workspace`)).toEqual([]);
  expect(readdirSync(`${at.home}/state`).toSorted()).toEqual(["archives", "claude", "costs"]);
});
