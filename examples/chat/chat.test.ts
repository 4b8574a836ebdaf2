// The command line as its user has it: lines in, a screen out.
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

let data: string;
let chat: ChildProcessWithoutNullStreams;
let screen = "";
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "wb-chat-"));
  screen = "";
});
afterEach(async () => {
  if (chat.exitCode === null) chat.kill();
  await rm(data, { recursive: true, force: true });
});

test("what the agent asks is shown, the next line answers it, and the end of input closes the session", async () => {
  start("--permissions", "ask");
  const question = '{"question":"Which store?","choices":["SQLite","PostgreSQL"]}';
  type(
    `Go.\\\n\`\`\`script\\\ntool ask_person ${question}\\\ntool Bash {"command":"touch made"}\\\nsay It is done.\\\n\`\`\``,
  );
  await shows("? Which store?");
  expect(screen).toContain("2. PostgreSQL");
  type("2");
  await shows("? It asks for leave to use Bash");
  expect(screen).toContain("touch made");
  type("y");
  await shows("‹ It is done.");
  const exited = once(chat, "exit");
  chat.stdin.end();
  expect(await exited).toEqual([0, null]);
  expect(screen).toContain("--resume");
});

function start(...args: readonly string[]): void {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const env = { PATH: process.env["PATH"], HOME: data, RUNNER_DATA_DIR: data };
  chat = spawn(process.execPath, ["--conditions=@waybill/source", main, ...args], { env });
  chat.stdout.on("data", (bytes: Buffer) => (screen += bytes.toString()));
  chat.stderr.on("data", (bytes: Buffer) => (screen += bytes.toString()));
}

function type(line: string): void {
  chat.stdin.write(`${line}\n`);
}

async function shows(text: string): Promise<void> {
  await expect.poll(() => screen, { timeout: 50_000, interval: 50 }).toContain(text);
}
