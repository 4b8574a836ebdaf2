import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { appendFile, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { fsMailbox } from "@waybill/ipc-fs";
import type { RunPlan } from "@waybill/core";
import { expect, test } from "vitest";

import { envelope, frame, hostPath, numberedName, place, runSpec } from "./mailbox-fixture.ts";

const WORDS = 320;
const KILLS = process.env["WAYBILL_LONG"] === "1" ? 16 : 8;

test.each([1, 0] as const)(
  "a host that is SIGKILLed again and again records every word of protocol %i once, in order",
  async (protocol) => {
    const root = await mkdtemp(join(tmpdir(), "waybill-killed-"));
    try {
      const plan = await fsMailbox({ root }).prepare(runSpec({ protocol, prompt: "go" }));
      const log = join(root, "log.jsonl");
      await writeFile(log, "");
      let said = 0;
      const say = async (count: number): Promise<void> => {
        for (let left = count; left > 0; left -= 1) {
          said += 1;
          await sayTask(plan, said);
        }
      };
      for (let kill = 0; kill < KILLS; kill += 1) {
        await say(WORDS / KILLS / 2);
        const before = recorded(log).length;
        const host = startHost(root, plan, log, "follow");
        // Kill it while it records: at some moment after it has begun.
        while (recorded(log).length === before && host.exitCode === null) await pause(1);
        await say(WORDS / KILLS / 2);
        await pause((kill * 7) % 11);
        host.kill("SIGKILL");
        await once(host, "exit");
      }
      const [code] = await once(startHost(root, plan, log, "drain"), "exit");
      expect(code).toBe(0);
      expect((await readdir(saidIn(plan))).filter((name) => !name.startsWith("."))).toEqual([]);
      const tasks = recorded(log).filter((task) => task !== "other");
      expect(tasks).toEqual(Array.from({ length: WORDS }, (_, index) => String(index + 1)));
    } finally {
      await rm(root, { recursive: true });
    }
  },
);

/** Where the agent's words lie until they are recorded. */
function saidIn(plan: RunPlan): string {
  return hostPath(plan, plan.protocol === 1 ? "/waybill/outbox" : "/workspace/ipc/tasks");
}

function startHost(
  root: string,
  plan: RunPlan,
  log: string,
  mode: "follow" | "drain",
): ChildProcess {
  const program = join(import.meta.dirname, "programs", "record.ts");
  const args = ["--conditions=@waybill/source", program, root, JSON.stringify(plan), log, mode];
  return spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
}

async function sayTask(plan: RunPlan, task: number): Promise<void> {
  if (plan.protocol === 1) {
    const operation = { type: "task.take", task: String(task) } as const;
    await place(
      hostPath(plan, "/waybill/outbox"),
      numberedName(task),
      envelope(task, { type: "operation", operation }),
    );
    return;
  }
  const name = `${1_700_000_000_000 + task}-00000000.json`;
  const file = JSON.stringify({ type: "task_take", task_id: String(task) });
  await place(hostPath(plan, "/workspace/ipc/tasks"), name, file);
  if (task % 10 === 0) await appendFile(plan.stdout.host, frame({ result: "ok" }));
}

function recorded(log: string): readonly string[] {
  // A line that a kill tore off was not recorded; the next host cuts it away.
  return readFileSync(log, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line).task);
}
