import assert from "node:assert/strict";
import { chmod, mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "@waybill/core";
import { describe, test } from "vitest";
import { processTransport } from "../src/index.ts";
import { linuxProcesses } from "../src/linux-processes.ts";
import { parsePs } from "../src/ps-processes.ts";
import { orchestrator } from "./orchestrator.ts";
import { processFixture } from "./process-fixture.ts";
import { ended, pidsOf, ready, until } from "./until.ts";

describe("the agent's environment", () => {
  test("holds what was asked for and nothing else", async () => {
    process.env["WAYBILL_TEST_SECRET"] = "hunter2";
    process.env["WAYBILL_TEST_ALLOWED"] = "yes";
    await using fixture = await processFixture({
      command: [process.execPath, "-p", "JSON.stringify(process.env)"],
      inheritEnv: ["WAYBILL_TEST_ALLOWED", "WAYBILL_TEST_NOT_SET"],
      env: { ADDED: "by option", WORD: "by option" },
    });
    const plan = await fixture.plan({ program: { do: "show" }, env: { WORD: "by plan" } });
    await fixture.transport.start(plan);
    assert.equal((await ended(fixture.transport, plan)).exitCode, 0);
    const env = JSON.parse(await fixture.output(plan, "stdout")) as Record<string, string>;
    delete env["CONTRACT_PROGRAM"];
    // The shell that becomes the agent says where it is.
    for (const name of ["PWD", "OLDPWD", "SHLVL", "_"]) delete env[name];
    assert.deepEqual(env, {
      ADDED: "by option",
      WORD: "by plan",
      WAYBILL_TEST_ALLOWED: "yes",
      CONTRACT_LETTER: join(plan.folders[0]!.host, "letter.txt"),
      WAYBILL_RUN: plan.runId,
      WAYBILL_CONTROL: plan.control,
    });
  });

  test("is never in a command line or on disk", async () => {
    process.env["WAYBILL_TEST_SECRET"] = "s3cr3t-of-the-host";
    await using fixture = await processFixture({ env: { TOKEN: "s3cr3t-of-the-plan" } });
    const plan = await fixture.plan({ program: { do: "exit_on_term" } });
    await fixture.transport.start(plan);
    await ready(plan);
    const table = linuxProcesses();
    const lines = table.all().map((entry) => table.argumentsOf(entry.pid).join(" "));
    assert.ok(!lines.some((line) => line.includes("s3cr3t-of-the-plan")));
    for (const folder of [plan.control, plan.launch.host]) {
      for (const name of await readdir(folder)) {
        const text = await readFile(join(folder, name), "utf8");
        assert.ok(!text.includes("s3cr3t-of-the-plan"), name);
      }
    }
    const { launcher } = await pidsOf(plan);
    assert.ok(!(await readFile(`/proc/${launcher}/environ`, "utf8")).includes("s3cr3t"));
  });
});

describe("the launcher", () => {
  test("writes records that only this user can read, whatever the umask", async () => {
    for (const umask of [0o022, 0o077, 0o000]) {
      await using fixture = await processFixture();
      const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
      await orchestrator(plan, { acts: ["start"], umask });
      assert.equal((await ended(fixture.transport, plan)).exitCode, 0);
      for (const name of await readdir(plan.control)) {
        assert.equal((await stat(join(plan.control, name))).mode & 0o777, 0o600, name);
      }
      assert.equal(await fixture.output(plan, "stdout"), "ready\n");
    }
  });

  test("holds no descriptor of its orchestrator's, and no more of its own than it needs", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "exit_on_term" } });
    await fixture.transport.start(plan);
    await ready(plan);
    const { launcher, agent } = await pidsOf(plan);
    assert.deepEqual((await readdir(`/proc/${agent}/fd`)).toSorted().slice(0, 3), ["0", "1", "2"]);
    assert.ok((await readdir(`/proc/${launcher}/fd`)).length < 30);
  });

  test("keeps a small memory of its own", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "exit_on_term" } });
    await fixture.transport.start(plan);
    await ready(plan);
    const rollup = await readFile(`/proc/${(await pidsOf(plan)).launcher}/smaps_rollup`, "utf8");
    const privateKb = Number(/^Private_Dirty:\s+(\d+)/mu.exec(rollup)?.[1]);
    // From source, stripping types takes about 12 MB that the built launcher does not need.
    assert.ok(privateKb < 40_000, `${privateKb} kB`);
  });
});

describe("the agent's program", () => {
  const coded = (code: string, fix: RegExp): object => ({
    name: "WaybillError",
    code,
    message: fix,
  });

  test("that is missing is a typed error with the fix, and claims nothing", async () => {
    await using fixture = await processFixture({ command: ["no-such-agent-program"] });
    const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
    const missing = coded(
      "PROGRAM_MISSING",
      /"no-such-agent-program" was not found on PATH .*absolute/u,
    );
    await assert.rejects(fixture.transport.check(), missing);
    await assert.rejects(fixture.transport.start(plan), missing);
    assert.deepEqual(await readdir(plan.launch.host), []);
  });

  test("that is not executable is a typed error with the fix", async () => {
    await using fixture = await processFixture();
    const program = join(fixture.root, "agent");
    await writeFile(program, "#!/bin/sh\n", { mode: 0o644 });
    const transport = processTransport({ command: [program] });
    const closed = coded("PROGRAM_NOT_EXECUTABLE", /chmod \+x/u);
    await assert.rejects(transport.check(), closed);
    await chmod(program, 0o755);
    await transport.check();
  });

  test("may have a Unicode path and be given relative to the host's folder", async () => {
    await using fixture = await processFixture();
    const folder = join(fixture.root, "агент");
    await mkdir(folder);
    await writeFile(join(folder, "кодер"), "#!/bin/sh\nexit 11\n", { mode: 0o755 });
    const transport = processTransport({ command: [join(folder, "кодер")] });
    const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
    await transport.start(plan);
    assert.equal((await ended(transport, plan)).exitCode, 11);
  });

  test("has the limits that were asked for, and writes no core file", async () => {
    await using fixture = await processFixture({
      command: [
        "sh",
        "-c",
        "ulimit -c; ulimit -n; ulimit -t; head -c 100000 /dev/zero > big; exit $?",
      ],
      limits: { fileBytes: 10_240, openFiles: 64, cpuSeconds: 30 },
    });
    const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
    await fixture.transport.start(plan);
    assert.notEqual((await ended(fixture.transport, plan)).exitCode, 0);
    assert.equal(await fixture.output(plan, "stdout"), "0\n64\n30\n");
    assert.equal((await stat(join(plan.folders[0]!.host, "big"))).size, 10_240);
  });
});

describe("a plan that cannot be carried out", () => {
  test("fails before it claims the run, so that a mended plan can start it", async () => {
    await using fixture = await processFixture();
    const plan = await fixture.plan({ program: { do: "exit", code: 6 } });
    const broken = { ...plan, stdin: { ...plan.stdin, host: `${plan.stdin.host}.missing` } };
    await assert.rejects(fixture.transport.start(broken), {
      code: "START_FAILED",
      class: "permanent",
      message: /stdin\.missing/u,
    });
    assert.equal((await fixture.transport.start(plan)).already, false);
    assert.equal((await ended(fixture.transport, plan)).exitCode, 6);
  });

  test("fails where it was prepared for another protocol than the program speaks", async () => {
    await using fixture = await processFixture({ protocol: 0 });
    const plan = await fixture.plan({ program: { do: "exit", code: 0 } });
    await assert.rejects(fixture.transport.start(plan), { code: "PROTOCOL_MISMATCH" });
  });
});

describe("check()", () => {
  test("warns once, in plain words, that nothing is contained", async () => {
    const warnings: string[] = [];
    const ignore = (): void => undefined;
    const logger: Logger = {
      debug: ignore,
      info: ignore,
      error: ignore,
      warn: (message) => void warnings.push(message),
    };
    const transport = processTransport({ command: ["sh"], protocol: 1, logger });
    assert.equal((await transport.check()).protocol, 1);
    await transport.check();
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /contains nothing/u);
  });
});

test("the output of ps on macOS is understood", () => {
  const output = [
    "    1     0     1 Ss   Mon Jan  5 09:03:07 2026    ",
    " 4711     1  4711 Ss   Tue Nov 23 16:41:12 2027    ",
    " 4712  4711  4711 Z+   Tue Nov 23 16:41:13 2027    ",
    "",
  ].join("\n");
  const at = Date.UTC(2027, 10, 23, 16, 41, 12);
  assert.deepEqual(parsePs(output).slice(1), [
    { pid: 4711, parent: 1, session: 4711, startTime: at, alive: true },
    { pid: 4712, parent: 4711, session: 4711, startTime: at + 1000, alive: false },
  ]);
});

test("a transport with many watches lets all of them go on close()", async () => {
  await using fixture = await processFixture();
  const plan = await fixture.plan({ program: { do: "exit_on_term" } });
  await fixture.transport.start(plan);
  const ends = Array.from({ length: 20 }, async () => {
    const seen: string[] = [];
    const { signal } = new AbortController();
    for await (const one of fixture.transport.watch(plan, signal)) seen.push(one.type);
    return seen;
  });
  await until("ready", async () => (await fixture.output(plan, "stdout")).includes("ready"));
  await new Promise((resolve) => setTimeout(resolve, 300));
  await fixture.transport.close();
  assert.deepEqual(new Set((await Promise.all(ends)).flat()), new Set(["running"]));
});
