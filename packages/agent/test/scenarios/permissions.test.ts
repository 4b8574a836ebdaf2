// What tools may do, and who is asked: with the real SDK.
import { existsSync, readdirSync } from "node:fs";
import type { PersonOperation } from "@waybill/core";
import { expect, test } from "vitest";
import { agentFixture } from "../agent-fixture.ts";
import { lastRequest } from "../model-requests.ts";
import { script, type HarnessAnswer, type Run } from "../run-harness.ts";

const at = agentFixture();
const touch = `tool Bash {"command":"touch made","description":"Make a file"}`;

const yes: HarnessAnswer = { status: "delivered", data: { by: "Ada" } };
const no: HarnessAnswer = {
  status: "rejected",
  error: { code: "APPROVAL_DENIED", message: "Not on a Friday." },
};

test("ask: a person sees the tool with its input, and a yes is for this once", async () => {
  const run = at.start({ config: { permissions: "ask" }, answer: () => yes });
  run.send("m-1", script(touch, `tool Bash {"command":"touch again"}`, "say ok"));
  expect((await run.word("turn_ended")).text).toBe("ok");
  expect(asked(run)).toMatchObject([
    {
      type: "person.permit",
      tool: "Bash",
      input: { command: "touch made", description: "Make a file" },
    },
    { type: "person.permit", tool: "Bash", input: { command: "touch again" } },
  ]);
  expect(made()).toEqual(["again", "made"]);
});

test("ask: a no is told to the model with its reason, and nothing is done", async () => {
  const run = at.start({ config: { permissions: "ask" }, answer: () => no });
  run.send("m-1", script(touch, "say ok"));
  await run.word("turn_ended");
  expect(results()[0]).toMatch(/This use of Bash was not allowed\. Not on a Friday\./);
  expect(made()).toEqual([]);
});

test("ask: the board's tools and those on the allow list are used unasked", async () => {
  const run = at.start({
    config: { permissions: "ask", allowedTools: ["Bash(touch *)"] },
    answer: (operation) => (operation.type === "person.permit" ? no : { status: "delivered" }),
  });
  run.send(
    "m-1",
    script(
      touch,
      `tool chat_send {"chat":"7","content":"x"}`,
      `tool Bash {"command":"mkdir d"}`,
      "say ok",
    ),
  );
  await run.word("turn_ended");
  expect(asked(run).map(({ type }) => type)).toEqual(["chat.send", "person.permit"]);
  expect(made()).toEqual(["made"]);
});

test("ask: an interrupt ends the wait, and nothing is done when the yes comes late", async () => {
  const run = at.start({ config: { permissions: "ask" }, answer: () => null });
  run.send("m-1", script(touch, "say never"));
  const { seq } = await run.word("operation");
  run.interrupt("t1");
  expect(await run.word("turn_ended")).toMatchObject({ outcome: "interrupted" });
  run.answer(seq, yes);
  run.send("m-2", script("instead", "say next"));
  expect((await run.word("turn_ended", (word) => word.turn === "t2")).text).toBe("next");
  expect(made()).toEqual([]);
});

test("ask: a long input is cut, and says so", async () => {
  const run = at.start({ config: { permissions: "ask" }, answer: () => no });
  const content = "x".repeat(20_000);
  const file = { file_path: `${at.home}/workspace/long.txt`, content };
  run.send("m-1", script(`tool Write ${JSON.stringify(file)}`, "say ok"));
  await run.word("turn_ended");
  const [permit] = asked(run) as PersonOperation[];
  expect(permit?.type === "person.permit" && permit.input["content"]).toMatch(
    /^x{8000}… \(12000 more characters\)$/,
  );
});

test("edits: files of the workspace are changed unasked, and for the rest a person is asked", async () => {
  const run = at.start({ config: { permissions: "edits" }, answer: () => no });
  const inside = { file_path: `${at.home}/workspace/inside.txt`, content: "x" };
  const outside = { file_path: `${at.home}/outside.txt`, content: "x" };
  run.send(
    "m-1",
    script(
      `tool Write ${JSON.stringify(inside)}`,
      `tool Write ${JSON.stringify(outside)}`,
      `tool Bash {"command":"curl localhost:1"}`,
      "say ok",
    ),
  );
  await run.word("turn_ended");
  expect(asked(run)).toMatchObject([
    { tool: "Write", input: { file_path: outside.file_path } },
    { tool: "Bash" },
  ]);
  expect(made()).toEqual(["inside.txt"]);
  expect(existsSync(outside.file_path)).toBe(false);
});

test("listed: what is not on the list is denied with a reason, and nobody is asked", async () => {
  const run = at.start({ config: { permissions: "listed", allowedTools: ["Bash(touch *)"] } });
  run.send(
    "m-1",
    script(
      touch,
      `tool Bash {"command":"mkdir d"}`,
      `tool chat_send {"chat":"7","content":"x"}`,
      "say ok",
    ),
  );
  await run.word("turn_ended");
  expect(results()[1]).toMatch(/permission|denied|approv/i);
  expect(results()[2]).toMatch(/^Done/);
  expect(asked(run).map(({ type }) => type)).toEqual(["chat.send"]);
  expect(made()).toEqual(["made"]);
});

test("unattended: the deny list holds, whole tools and rules", async () => {
  const run = at.start({ config: { disallowedTools: ["Bash(mkdir *)", "Write"] } });
  run.send(
    "m-1",
    script(touch, `tool Bash {"command":"mkdir d"}`, `tool Write {"file_path":"/tmp/x"}`, "say ok"),
  );
  await run.word("turn_ended");
  expect(results()[1]).toMatch(/permission|denied/i);
  expect(results()[2]).toBeUndefined();
  expect(offered(at.conversation)).not.toContain("Write");
  expect(made()).toEqual(["made"]);
  expect(asked(run)).toEqual([]);
});

test("plan: a person sees the plan before anything is changed, and then each change is asked for", async () => {
  const run = at.start({ config: { permissions: "plan" }, answer: () => yes });
  const plan = { file_path: `${at.home}/state/claude/plans/p.md`, content: "1. Make a file." };
  run.send(
    "m-1",
    script(`tool Write ${JSON.stringify(plan)}`, "tool ExitPlanMode {}", touch, "say ok"),
  );
  expect((await run.word("turn_ended")).outcome).toBe("completed");
  expect(asked(run)).toMatchObject([
    { tool: "Write" },
    { tool: "ExitPlanMode", input: { plan: "1. Make a file." } },
    { tool: "Bash", input: { command: "touch made" } },
  ]);
  expect(made()).toEqual(["made"]);
});

test("plan: a plan that is refused stays a plan", async () => {
  const run = at.start({ config: { permissions: "plan" }, answer: () => no });
  run.send("m-1", script(`tool ExitPlanMode {}`, touch, "say ok"));
  await run.word("turn_ended");
  expect(results()[0]).toContain("Not on a Friday.");
  expect(made()).toEqual([]);
});

test("the tool list is the agent's own", async () => {
  const run = at.start({ config: { tools: ["Read", "Grep"] } });
  run.send("m-1", script("say ok"));
  await run.word("turn_ended");
  const own = offered(at.conversation).filter((name) => !/^(mcp__|DeferredTool)/.test(name));
  expect(own.toSorted()).toEqual(["Grep", "Read"]);
});

test("a question to people waits for the answer, and the model is told who gave it", async () => {
  const run = at.start({ answer: () => null });
  const question = { question: "Which store?", choices: ["SQLite", "PostgreSQL"] };
  run.send("m-1", script(`tool ask_person ${JSON.stringify(question)}`, "say ok"));
  const { seq, operation } = await run.word("operation");
  expect(operation).toEqual({ type: "person.ask", ...question });
  run.answer(seq, { status: "delivered", data: { answer: "SQLite", by: "Ada" } });
  await run.word("turn_ended");
  expect(results()[0]).toBe("Ada answered:\nSQLite");
});

test("a question that nobody answers is told to be one", async () => {
  const run = at.start({ answer: () => no });
  run.send("m-1", script(`tool ask_person {"question":"Which store?"}`, "say ok"));
  await run.word("turn_ended");
  expect(results()[0]).toMatch(/^There is no answer: Not on a Friday\.\nDo not ask the same again/);
});

function asked(run: Run): readonly { readonly type: string }[] {
  return run.words.flatMap((word) => (word.type === "operation" ? [word.operation] : []));
}

function results(): readonly string[] {
  return lastRequest(at.model, at.conversation).results;
}

function offered(conversation: string): readonly string[] {
  return lastRequest(at.model, conversation).tools;
}

function made(): readonly string[] {
  return readdirSync(`${at.home}/workspace`).toSorted();
}
