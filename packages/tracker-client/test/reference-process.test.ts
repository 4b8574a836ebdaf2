import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { clientOf, message } from "./boards.ts";

const program = fileURLToPath(new URL("../src/testing/main.ts", import.meta.url));

test("the command prints its address, keeps its file over a SIGKILL, and ends on TERM", async () => {
  const folder = await mkdtemp(join(tmpdir(), "waybill-board-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const args = [
    "--file",
    join(folder, "board.ndjson"),
    "--chat",
    "general",
    "--task",
    "t-1=Первая = задача",
  ];
  const call = message("Once");

  const first = await start(args, { TRACKER_TOKEN: "from-the-environment" });
  expect(first.line).toEqual({ url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) });
  const tracker = clientOf({ url: first.line.url, token: "from-the-environment" });
  await tracker.check();
  await tracker.perform(call);
  first.child.kill("SIGKILL");
  await once(first.child, "exit");

  const second = await start(args, {});
  expect(second.line.token).toMatch(/^[\w-]{20,}$/);
  const again = clientOf({ url: second.line.url, token: second.line.token ?? "" });
  expect(await again.perform(call)).toMatchObject({ repeated: true });
  const tasks = await again.perform({ ...call, operation: { type: "task.list" } });
  expect(tasks.data).toMatchObject({ tasks: [{ id: "t-1", title: "Первая = задача" }] });
  second.child.kill("SIGTERM");
  expect(await once(second.child, "exit")).toEqual([0, null]);
});

test("the command says what is wrong with its flags and does not start", async () => {
  for (const args of [["--port", "x"], ["--nonsense"], ["--token-file", "/no/such/file"]]) {
    const child = run(args, {});
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(child, "close")).toEqual([2, null]);
    expect(said).not.toBe("");
  }
});

async function start(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = run(args, env);
  const [text] = (await once(createInterface(child.stdout), "line")) as [string];
  return { child, line: JSON.parse(text) as { url: string; token?: string } };
}

function run(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ["--conditions=@waybill/source", program, ...args], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}
