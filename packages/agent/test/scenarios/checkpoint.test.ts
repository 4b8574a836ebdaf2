// Going back to the end of a turn: the files, with the real SDK and the real git.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { agentProgram } from "../../src/index.ts";
import { agentFixture } from "../agent-fixture.ts";
import { script } from "../run-harness.ts";

const at = agentFixture();

test("the files at the end of each turn can be gone back to, and those of now are kept", async () => {
  const work = workspace();
  gitIn(work, "init", "-q", "-b", "main");
  writeFileSync(join(work, ".gitignore"), "ignored\n");
  writeFileSync(join(work, "a"), "one");
  gitIn(work, "add", "a");

  const run = at.start();
  run.send("m-1", script(bash("echo two > a; echo b > b; echo x > ignored"), "say first"));
  const first = await run.word("turn_ended");
  run.send("m-2", script(bash("echo three > a; rm b; echo c > c"), "say second"));
  const second = await run.word("turn_ended", ({ turn }) => turn === "t2");
  run.close();
  await run.exit();

  // What the model had staged, and its branch, are as it left them.
  expect(gitIn(work, "diff", "--cached", "--name-only")).toBe("a\n");
  expect(gitIn(work, "show", ":a")).toBe("one");
  expect(command("checkpoints").trim().split("\n")).toEqual([
    expect.stringMatching(new RegExp(`^\\d{4}-.*Z ${first.transcript}$`)),
    expect.stringMatching(new RegExp(`^\\d{4}-.*Z ${second.transcript}$`)),
  ]);

  const said = command("restore", first.transcript ?? "");
  expect(files(work)).toEqual({ a: "two\n", b: "b\n", ignored: "x\n" });
  command("restore", /before-\S+(?=\.)/.exec(said)?.[0] ?? "");
  expect(files(work)).toEqual({ a: "three\n", c: "c\n", ignored: "x\n" });
});

test("what cannot be gone back to is said, with what there is", () => {
  expect(() => command("checkpoints")).toThrow(/NO_REPOSITORY/);
  gitIn(workspace(), "init", "-q");
  expect(() => command("restore", "nowhere")).toThrow(/CHECKPOINT_NOT_FOUND.*none/);
  expect(() => command("rewind")).toThrow(/COMMAND_UNKNOWN/);
});

test("a workspace that is no repository, or an agent that keeps none, has no checkpoints", async () => {
  const none = at.start();
  none.send("m-1", script("say ok"));
  await none.word("turn_ended");
  none.close();
  await none.exit();
  expect(existsSync(join(workspace(), ".git"))).toBe(false);

  gitIn(workspace(), "init", "-q");
  const off = at.start({ resume: true, config: { checkpoints: false } });
  off.send("m-2", script("say ok"));
  await off.word("turn_ended");
  expect(gitIn(workspace(), "for-each-ref")).toBe("");
});

function workspace(): string {
  return join(at.home, "workspace");
}

function bash(line: string): string {
  return `tool Bash ${JSON.stringify({ command: line })}`;
}

function gitIn(folder: string, ...args: readonly string[]): string {
  return execFileSync("git", ["-C", folder, ...args], { encoding: "utf8" });
}

function command(...args: readonly string[]): string {
  const program = ["--conditions=@waybill/source", agentProgram(), ...args];
  const env = {
    PATH: process.env["PATH"],
    HOME: at.home,
    WAYBILL_STATE: join(at.home, "state"),
    WAYBILL_WORKSPACE: workspace(),
  };
  return execFileSync(process.execPath, program, { encoding: "utf8", env, stdio: "pipe" });
}

function files(folder: string): Readonly<Record<string, string>> {
  const names = readdirSync(folder).filter((name) => !name.startsWith("."));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}
