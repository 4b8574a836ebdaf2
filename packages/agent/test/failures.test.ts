import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { agentFixture } from "./agent-fixture.ts";
import { requestsOf } from "./model-requests.ts";
import { script } from "./run-harness.ts";
import { queuedIn } from "./transcript-file.ts";

const at = agentFixture();
const noRetries = { config: { maxRetries: 0 } };

test.each([
  ["401", "fail 401 times=always", "MODEL_UNAUTHORIZED", "permanent"],
  ["429", "fail 429 times=always", "MODEL_RATE_LIMITED", "rate"],
  ["500", "fail 500 times=always", "MODEL_UNAVAILABLE", "transient"],
  ["529", "fail 529 times=always", "MODEL_UNAVAILABLE", "transient"],
  ["400", "fail 400 times=always", "MODEL_REFUSED", "permanent"],
  ["a broken connection", "drop times=always", "MODEL_UNREACHABLE", "transient"],
])(
  "%s from the model fails the turn with a code and a class, and the session goes on",
  async (_, fault, code, kind) => {
    const run = at.start(noRetries);
    run.send("m-1", script(fault, "say never"));
    const ended = await run.word("turn_ended");
    expect(ended).toMatchObject({ outcome: "failed", text: "" });
    expect(ended.error).toMatchObject({ code, class: kind });
    run.send("m-2", script("instead", "say back again"));
    expect(await run.word("turn_ended", (word) => word.turn === "t2")).toMatchObject({
      outcome: "completed",
      text: "back again",
    });
    run.close();
    expect((await run.exit()).code).toBe(0);
  },
);

test("a failure that passes is retried inside the turn, and people see it", async () => {
  const run = at.start();
  run.send("m-1", script("fail 500 times=2", "say after all"));
  expect(await run.word("turn_ended")).toMatchObject({ outcome: "completed", text: "after all" });
  expect(run.activities().filter((activity) => activity.type === "retrying")).toHaveLength(2);
});

test("a connection that breaks in mid-stream is mended inside the turn", async () => {
  const run = at.start();
  run.send("m-1", script("say before the break", "drop", "say and after it"));
  expect(await run.word("turn_ended")).toMatchObject({
    outcome: "completed",
    text: "before the break\n\nand after it",
  });
});

test("a run whose last turn failed still says bye and ends with 0", async () => {
  const run = at.start(noRetries);
  run.send("m-1", script("fail 500 times=always", "say never"));
  await run.word("turn_ended");
  run.close();
  expect(await run.exit()).toEqual({ code: 0, signal: null });
  expect(run.words.at(-1)?.type).toBe("bye");
});

test("a turn with more model calls than allowed is exhausted, not completed", async () => {
  const run = at.start({ config: { maxTurns: 2 } });
  run.send(
    "m-1",
    script(...["t-1", "t-2", "t-3"].map((task) => `tool task_get {"task":"${task}"}`), "say never"),
  );
  const ended = await run.word("turn_ended");
  expect(ended).toMatchObject({ outcome: "exhausted", error: { code: "MAX_TURNS" } });
});

test("a budget that is spent ends the turn as exhausted at once, without a retry", async () => {
  const run = at.start();
  run.send("m-1", script("fail 402 times=always", "say never"));
  const ended = await run.word("turn_ended");
  expect(ended).toMatchObject({ outcome: "exhausted", error: { code: "BUDGET_SPENT" } });
  expect(requestsOf(at.model, at.conversation)).toHaveLength(1);
});

test("a script that ran out says so", async () => {
  const run = at.start();
  run.send("m-1", script(`tool task_get {"task":"t-1"}`));
  expect((await run.word("turn_ended")).text).toBe(
    "scripted model: The script ran out after 1 replies.",
  );
});

test("SIGTERM in a tool ends the turn as interrupted, says bye and exits with 0 at once", async () => {
  const run = at.start({ answer: () => null });
  run.send("m-1", script("say I look", `tool task_get {"task":"t-1"}`, "say never"));
  await run.word("operation");
  run.send("m-2", "waits");
  await expect
    .poll(() => queuedIn(at.home, at.conversation), { timeout: 20_000 })
    .toContain("waits");
  const asked = Date.now();
  run.child.kill("SIGTERM");
  expect(await run.exit()).toEqual({ code: 0, signal: null });
  expect(Date.now() - asked).toBeLessThan(3_000);
  expect(run.words.slice(3)).toMatchObject([
    { type: "turn_ended", turn: "t1", outcome: "interrupted", text: "I look" },
    { type: "bye" },
  ]);
  expect(requestsOf(at.model, at.conversation)).toHaveLength(1);
});

test("SIGTERM between turns says bye and exits with 0", async () => {
  const run = at.start();
  await run.word("hello");
  run.child.kill("SIGTERM");
  expect(await run.exit()).toEqual({ code: 0, signal: null });
  expect(run.words.map((word) => word.type)).toEqual(["hello", "bye"]);
});

test("the death of the model's program is the agent's end, without a bye", async () => {
  const run = at.start({ answer: () => null });
  run.send("m-1", script(`tool task_get {"task":"t-1"}`, "say never"));
  await run.word("operation");
  const children = execFileSync("ps", ["-o", "pid=", "--ppid", String(run.child.pid)]).toString();
  process.kill(Number(children.trim().split("\n")[0]), "SIGKILL");
  expect((await run.exit()).code).toBe(69);
  expect(run.stderr()).toMatch(/MODEL_PROGRAM_DIED: .*out-of-memory/);
  expect(run.words.map((word) => word.type)).toEqual(["hello", "accepted", "operation"]);
});

test("a state folder that cannot be written is a failed start: no hello, a code and the reason", async () => {
  writeFileSync(`${at.home}/file`, "");
  const run = at.start({ env: { WAYBILL_STATE: `${at.home}/file` } });
  expect((await run.exit()).code).toBe(73);
  expect(run.stderr()).toMatch(/STATE_UNWRITABLE: The state folder .*\/file cannot be written/);
  expect(run.words).toEqual([]);
});

test("a configuration with a mistake is a failed start that names the field", async () => {
  const run = at.start({ config: { permissions: "yolo", modle: "x" } });
  expect((await run.exit()).code).toBe(78);
  expect(run.stderr()).toMatch(/CONFIG_INVALID[\s\S]*modle[\s\S]*permissions/);
  expect(run.words).toEqual([]);
});

test("a model's program that does not come up is a failed start with what it said", async () => {
  const run = at.start({ env: { HTTPS_PROXY: "no url", HTTP_PROXY: "no url" } });
  expect((await run.exit()).code).toBe(69);
  expect(run.stderr()).toMatch(/MODEL_PROGRAM_FAILED/);
  expect(run.words).toEqual([]);
});
