import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("a task starts its agent, a mention wakes it, and a cancel ends it", async () => {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const options = { timeout: 50_000 };
  const node = [process.execPath, ["--conditions=@waybill/source", main], options] as const;
  const { stdout, stderr } = await promisify(execFile)(...node);
  expect(stderr).toBe("");
  const lines = stdout.trim().split("\n");
  expect(lines).toEqual([
    "t-1: todo, of coder (a person)",
    "t-1: in_progress, of coder (the agent)",
    "t-1: comment by the agent: I did it: Write the first test",
    "t-1: done, of coder (the agent)",
    "Ann: @Кодер, is it done?",
    expect.stringMatching(/^Кодер: I heard you\. \(turn \d\)$/),
    "t-2: todo, of coder (a person)",
    "t-2: in_progress, of coder (the agent)",
    expect.stringMatching(/^session task-t-1\.coder: (idle|running)$/),
    "session task-t-2.coder: stopped",
  ]);
});
