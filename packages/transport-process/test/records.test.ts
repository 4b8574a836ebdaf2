import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chown, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { RunPlan } from "@waybill/core";
import { execa } from "execa";
import { describe, test } from "vitest";
import { launch } from "../src/launch.ts";
import { linuxProcesses } from "../src/linux-processes.ts";
import { thisPlace } from "../src/place.ts";
import { processFixture, taggedPids } from "./process-fixture.ts";
import { ended, pidsOf, ready, startsOf, until } from "./until.ts";

const table = linuxProcesses();
const rejectsWith = (code: string, act: Promise<unknown>): Promise<void> =>
  assert.rejects(act, { name: "WaybillError", code });

describe("a recorded pid that is another process now", () => {
  test("is not killed and not adopted where only its pid is right", async () => {
    await using fixture = await processFixture();
    await using innocent = bystander();
    const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
    const entry = { pid: innocent.pid, startTime: table.find(innocent.pid)!.startTime - 1 };
    await writeFile(`${plan.control}/launcher.json`, JSON.stringify(claimOf(plan, entry)));
    await writeFile(`${plan.control}/agent.json`, JSON.stringify({ ...entry, token: "t" }));

    const exit = await ended(fixture.transport, plan);
    assert.equal(exit.exitCode, null);
    assert.deepEqual(await fixture.transport.stop(plan, 50), exit);
    assert.ok(innocent.lives());
  });

  test("is not killed where the run forged a marker with its true start time", async () => {
    await using fixture = await processFixture();
    await using innocent = bystander();
    const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
    const entry = { pid: innocent.pid, startTime: table.find(innocent.pid)!.startTime };
    await writeFile(`${plan.launch.host}/started`, JSON.stringify(claimOf(plan, entry)));

    assert.equal((await fixture.transport.stop(plan, 50))?.exitCode, null);
    assert.ok(innocent.lives());
    await rejectsWith("RUN_ENDED", fixture.transport.start(plan));
  });

  test("is not taken for an agent whose record belongs to another claim", async () => {
    await using fixture = await processFixture();
    await using innocent = bystander();
    const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
    const entry = { pid: innocent.pid, startTime: table.find(innocent.pid)!.startTime };
    const gone = { pid: 4_194_000, startTime: 1 };
    await writeFile(`${plan.control}/launcher.json`, JSON.stringify(claimOf(plan, gone)));
    await writeFile(`${plan.control}/agent.json`, JSON.stringify({ ...entry, token: "other" }));

    await fixture.transport.stop(plan, 50);
    assert.ok(innocent.lives());
  });
});

describe("a marker that the run tampers with", () => {
  for (const [how, tamper] of Object.entries({
    removed: (path: string) => rm(path),
    emptied: (path: string) => writeFile(path, ""),
    "made a tombstone": (path: string) => writeFile(path, '{"v":1,"stopped":true}'),
    "made a link": async (path: string) => {
      await rm(path);
      await symlink("/etc/passwd", path);
    },
    "made a folder": async (path: string) => {
      await rm(path);
      await mkdir(path);
    },
  })) {
    test(`changes nothing: ${how}`, async () => {
      await using fixture = await processFixture();
      const plan = await fixture.plan({ program: { do: "exit_on_term" } });
      const started = await fixture.transport.start(plan);
      await ready(plan);
      await tamper(`${plan.launch.host}/started`);
      const other = await fixture.another();
      assert.deepEqual(await other.start(plan), { ...started, already: true });
      assert.equal((await other.stop(plan, 5_000))?.exitCode, 0);
      await rejectsWith("RUN_ENDED", other.start(plan));
      assert.equal(await startsOf(plan), 1);
    });
  }
});

describe("a marker without a record of ours beside it", () => {
  for (const [how, make] of Object.entries({
    "a link": (path: string) => symlink("../tombstone", path),
    "a FIFO": (path: string) => execa("mkfifo", [path]),
    "a folder": (path: string) => mkdir(path),
    garbage: (path: string) => writeFile(path, "{"),
  })) {
    test(`means that the run id is taken, and no more: ${how}`, async () => {
      await using fixture = await processFixture();
      const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
      await writeFile(`${plan.launch.host}/../tombstone`, '{"v":1,"stopped":true}');
      await make(`${plan.launch.host}/started`);
      assert.match((await ended(fixture.transport, plan)).detail ?? "", /claimed, and no process/u);
      assert.equal((await fixture.transport.start(plan)).already, true);
      assert.equal(await startsOf(plan), 0);
    });
  }

  test("which the run removes at once: no second launcher gets the claim", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "exit_on_term" } });
    await fixture.transport.start(plan);
    await ready(plan);
    await rm(`${plan.launch.host}/started`);
    // As if it had looked before the first one claimed.
    const order = {
      run: plan,
      command: ["/bin/true"],
      cwd: "/",
      env: {},
      stdin: plan.stdin.host,
      stdout: plan.stdout.host,
      stderr: plan.stderr.host,
      limits: [],
      lease: null,
    };
    assert.deepEqual(await launch(order, AbortSignal.timeout(15_000)), { type: "lost" });
  });
});

describe.skipIf(process.geteuid?.() !== 0)(
  "records of another user (needs root to make them)",
  () => {
    test("are no evidence: nothing is absent, ended or stopped, and list() passes over them", async () => {
      await using fixture = await processFixture({ pollMs: 200 });
      const plan = await fixture.plan({ program: { do: "exit_on_term" } });
      await fixture.transport.start(plan);
      await ready(plan);
      await chown(`${plan.control}/launcher.json`, 65_534, 65_534);
      const seen: unknown[] = [];
      for await (const one of fixture.transport.watch(plan, AbortSignal.timeout(700)))
        seen.push(one);
      assert.deepEqual(seen, []);
      await rejectsWith("RECORDS_UNREADABLE", fixture.transport.start(plan));
      assert.deepEqual(await fixture.transport.list(plan.owner), []);
      await chown(`${plan.control}/launcher.json`, 0, 0);
      assert.equal((await fixture.transport.stop(plan, 5_000))?.exitCode, 0);
    });
  },
);

describe("evidence from another life of the machine", () => {
  test("a run from before a reboot has exited, without a code and with a reason", async () => {
    await using fixture = await processFixture();
    await using innocent = bystander();
    const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
    const entry = { pid: innocent.pid, startTime: table.find(innocent.pid)!.startTime };
    const claim = { ...claimOf(plan, entry), place: { ...thisPlace(), bootId: "an earlier boot" } };
    await writeFile(`${plan.control}/launcher.json`, JSON.stringify(claim));

    const exit = await ended(fixture.transport, plan);
    assert.deepEqual([exit.exitCode, exit.signal], [null, null]);
    assert.match(exit.detail ?? "", /machine was restarted/u);
    assert.ok(innocent.lives());
  });

  test("a run of another machine is neither absent nor ended, and cannot be stopped from here", async () => {
    await using fixture = await processFixture({ pollMs: 200 });
    const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
    const place = { host: "elsewhere", bootId: "its own", pidNamespace: "pid:[1]" };
    const claim = { ...claimOf(plan, { pid: 4_194_000, startTime: 1 }), place };
    await writeFile(`${plan.control}/launcher.json`, JSON.stringify(claim));

    const seen: unknown[] = [];
    for await (const one of fixture.transport.watch(plan, AbortSignal.timeout(700))) seen.push(one);
    assert.deepEqual(seen, []);
    await rejectsWith("RUN_ELSEWHERE", fixture.transport.start(plan));
    await rejectsWith("RUN_ELSEWHERE", fixture.transport.stop(plan, 10));
    await rejectsWith("RUN_ALIVE", fixture.transport.remove(plan));
    // What its launcher records over there counts here too.
    await writeFile(`${plan.control}/exit.json`, '{"exitCode":4,"signal":null}');
    assert.equal((await ended(fixture.transport, plan)).exitCode, 4);
  });
});

describe("a run whose folders are lost", () => {
  test("is found by its tag and stopped", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "leave_descendant" } });
    await fixture.transport.start(plan);
    await ready(plan);
    await rm(`${plan.control}/..`, { recursive: true });
    const exit = await fixture.transport.stop(plan, 100);
    assert.deepEqual([exit?.exitCode, exit?.signal], [null, "SIGKILL"]);
    assert.deepEqual(taggedPids(plan.runId), []);
  });
});

describe("list()", () => {
  test("believes no command line: the records must be ours and name the owner", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
    const fake = fileURLToPath(new URL("./programs/launcher.ts", import.meta.url));
    const { owner, runId, control } = plan;
    await using liar = bystander([fake, owner, runId, control]);
    await until("the liar's command line", () => table.argumentsOf(liar.pid).at(-1) === control);
    assert.deepEqual(await fixture.transport.list(owner), []);

    const entry = { pid: liar.pid, startTime: table.find(liar.pid)!.startTime };
    const claim = claimOf({ ...plan, owner: "somebody else" }, entry);
    await writeFile(`${control}/launcher.json`, JSON.stringify(claim));
    assert.deepEqual(await fixture.transport.list(owner), []);
    assert.ok(liar.lives());
  });
});

describe("remove()", () => {
  test("refuses while the run is alive", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "exit_on_term" } });
    await fixture.transport.start(plan);
    await rejectsWith("RUN_ALIVE", fixture.transport.remove(plan));
    await ready(plan);
    assert.ok(table.find((await pidsOf(plan)).agent)?.alive);
  });
});

function claimOf(plan: RunPlan, launcher: { pid: number; startTime: number }): object {
  return { run: plan, token: "t", launcher, place: thisPlace() };
}

/** A process that is none of ours: `lives` as long as nobody kills it. */
function bystander(args: readonly string[] = []): AsyncDisposable & {
  readonly pid: number;
  readonly lives: () => boolean;
} {
  const child: ChildProcess = spawn("sh", ["-c", "sleep 120", ...args], { stdio: "ignore" });
  const gone = once(child, "exit");
  const pid = child.pid ?? 0;
  return {
    pid,
    lives: () => table.find(pid)?.alive === true,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
