// docs/agents.md: its smallest agent runs, and every test that it names is there.
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { afterEach, expect, test } from "vitest";
import { newConversation, newHome, removeHome, startRun, type Run } from "./run-harness.ts";

const root = resolve(import.meta.dirname, "../../..");
const page = readFileSync(join(root, "docs/agents.md"), "utf8");

const homes: string[] = [];
const runs: Run[] = [];
afterEach(() => {
  for (const run of runs.splice(0)) if (run.child.exitCode === null) run.kill();
  for (const home of homes.splice(0)) removeHome(home);
});

test("the smallest agent answers, asks the board, and leaves when it is told to", async () => {
  const [, program = ""] = /```ts\n([^`][\s\S]*?)\n```\n/.exec(page) ?? [];
  expect(program.split("\n").length).toBeLessThanOrEqual(20);
  // Inside of the package, so that its dependencies are found.
  const folder = mkdtempSync(join(import.meta.dirname, ".smallest-"));
  try {
    writeFileSync(join(folder, "agent.ts"), program);
    const home = newHome();
    homes.push(home);
    const run = startRun({
      home,
      modelUrl: "",
      conversation: newConversation(),
      program: join(folder, "agent.ts"),
      answer: () => ({ status: "delivered" }),
    });
    runs.push(run);
    run.send("m-1", "Hello");
    run.send("m-2", "post 7 It works");
    run.close();
    expect(await run.exit()).toEqual({ code: 0, signal: null });
    expect(run.words.map(({ seq: _, readAt: __, ...word }) => word)).toEqual([
      { type: "hello", agent: "smallest/1", context: "fresh", holds: [] },
      { type: "accepted", turn: "t1", message: "m-1" },
      { type: "turn_ended", turn: "t1", outcome: "completed", text: "You said: Hello" },
      { type: "accepted", turn: "t2", message: "m-2" },
      { type: "operation", operation: { type: "chat.send", chat: "7", content: "It works" } },
      { type: "turn_ended", turn: "t2", outcome: "completed", text: "The board says: delivered" },
      { type: "bye" },
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("every test that the table of scenarios names is there", () => {
  const files = globSync(
    ["packages/{agent,gateway}/test/**/*.test.ts", "integration/**/*.test.ts"],
    {
      cwd: root,
      exclude: (path) => path.includes("node_modules"),
    },
  );
  const named = [...page.matchAll(/^\|.*\| (\S+\.test): (.*?) *\|$/gm)];
  expect(named.length).toBeGreaterThan(35);
  const missing = named.filter(([, file = "", title = ""]) => {
    const texts = files
      .filter((path) => basename(path) === `${file}.ts`)
      .map((path) => readFileSync(join(root, path), "utf8"));
    return !texts.some((text) => text.includes(`"${title}"`) || text.includes(`'${title}'`));
  });
  expect(missing.map(([, file, title]) => `${file}: ${title}`)).toEqual([]);
});
