import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import {
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { planEnvironment, planPath } from "@waybill/core";
import type { Logger, RunPlan } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { startSchema } from "@waybill/ipc-fs/protocol";
import { expect, test } from "vitest";

import { hostPath, mailboxFixture, numberedName, runSpec } from "./mailbox-fixture.ts";

const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? "" : " (skipped: only root gives files away)";
const asOrdinary = isRoot ? "" : " (skipped: needs root to become another user)";

test("the start word of protocol 1 says who, where and what is unsettled", async () => {
  await using fixture = await mailboxFixture();
  const spec = fixture.run({
    unsettled: ["m1"],
    config: { model: "x" },
    conversation: { id: "c-1", resume: true },
  });
  const plan = await fixture.mailbox.prepare(spec);
  expect(startSchema.parse(JSON.parse(await readFile(plan.stdin.host, "utf8")))).toEqual({
    v: 1,
    protocol: 1,
    session: "task-42",
    run: spec.runId,
    agent: { slug: "coder", name: "Кодер" },
    conversation: { id: "c-1", resume: true },
    unsettled: ["m1"],
    config: { model: "x" },
    limits: { fileBytes: 262_144, unacknowledged: 1_024 },
  });
});

test("a protocol-1 run finds its folders in its environment, inside and outside of a container", async () => {
  await using fixture = await mailboxFixture();
  const plan = await fixture.mailbox.prepare(fixture.run());
  expect(planEnvironment(plan, "at")).toEqual({
    WAYBILL_PROTOCOL: "1",
    WAYBILL_WORKSPACE: "/workspace",
    WAYBILL_STATE: "/waybill/state",
    WAYBILL_INBOX: "/waybill/inbox",
    WAYBILL_OUTBOX: "/waybill/outbox",
  });
  expect(planEnvironment(plan, "host")["WAYBILL_OUTBOX"]).toBe(hostPath(plan, "/waybill/outbox"));
  expect(plan.folders.map(({ at, write }) => [at, write])).toEqual([
    ["/workspace", true],
    ["/waybill/state", true],
    ["/waybill/inbox", false],
    ["/waybill/outbox", true],
  ]);
});

test.each([0o022, 0o077, 0o000])("modes are the same under umask %o", async (umask) => {
  const root = await mkdtemp(join(tmpdir(), "waybill-umask-"));
  try {
    for (const protocol of [0, 1] as const) {
      const { plan } = prepareInChild({
        root,
        umask,
        spec: runSpec({ protocol, runsAs: "dedicated" }),
      });
      await expectModes(plan);
    }
  } finally {
    await rm(root, { recursive: true });
  }
});

test.skipIf(!isRoot)(
  `a root host gives each session a user of its own, which no other gets${asRoot}`,
  async () => {
    await using fixture = await mailboxFixture({ runsAs: "dedicated" });
    const plans = await Promise.all(
      ["a", "b", "c"].map((sessionId) => fixture.mailbox.prepare(fixture.run({ sessionId }))),
    );
    const uids = plans.map(({ user }) => user?.uid ?? 0);
    expect(new Set(uids).size).toBe(3);
    expect(Math.min(...uids)).toBeGreaterThanOrEqual(1_900_000_000);
    const again = await (await fixture.another()).prepare(fixture.run({ sessionId: "a" }));
    expect(again.user).toEqual(plans[0]?.user);
    for (const plan of plans) {
      expect(await ownerOf(hostPath(plan, "/workspace"))).toEqual(plan.user);
      expect(await ownerOf(hostPath(plan, "/waybill/outbox"))).toEqual(plan.user);
      expect(await ownerOf(plan.launch.host)).toEqual(plan.user);
      expect(await ownerOf(plan.stdout.host)).toEqual(plan.user);
      expect(await ownerOf(hostPath(plan, "/waybill/inbox"))).toEqual({ uid: 0, gid: 0 });
      expect(await ownerOf(dirname(plan.launch.host))).toEqual({ uid: 0, gid: 0 });
    }
  },
);

test.skipIf(!isRoot)(
  `the session's user can work in its leaves and reach nothing else${asRoot}`,
  async () => {
    await using fixture = await mailboxFixture({ runsAs: "dedicated" });
    const plan = await fixture.mailbox.prepare(fixture.run());
    await fixture.mailbox.put(plan, {
      type: "message",
      id: "m1",
      delivery: 1,
      position: 1,
      text: "hi",
      from: null,
    });
    // What a mount does for a container: the leaf itself is reachable, whatever its parents are.
    const asUser = (folder: string, script: string): number | null =>
      spawnSync("python3", ["-c", ENTER_AS, folder, String(plan.user?.uid), script]).status;
    expect(asUser(hostPath(plan, "/waybill/outbox"), "open('w','w').close()")).toBe(0);
    expect(asUser(hostPath(plan, "/workspace"), "open('w','w').close()")).toBe(0);
    expect(asUser(hostPath(plan, "/waybill/inbox"), "open('m.0000000001.0001.json').read()")).toBe(
      0,
    );
    expect(asUser(hostPath(plan, "/waybill/inbox"), "open('w','w').close()")).not.toBe(0);
    expect(asUser(dirname(plan.stdin.host), "open('start.json').read()")).toBe(0);
    expect(asUser(dirname(plan.stdin.host), "open('start.json','w').close()")).not.toBe(0);
    expect(asUser(fixture.root, `open(${JSON.stringify(plan.stdout.host)}).read()`)).not.toBe(0);
  },
);

test.skipIf(!isRoot)(
  `an ordinary user's host works at every umask, with its own user${asOrdinary}`,
  async () => {
    for (const umask of [0o022, 0o077]) {
      const root = await mkdtemp(join(tmpdir(), "waybill-ordinary-"));
      try {
        execFileSync("chown", ["65534:65534", root]);
        const { plan, words } = prepareInChild({
          root,
          umask,
          uid: 65_534,
          spec: runSpec({ runsAs: "dedicated" }),
        });
        expect(plan.user).toEqual({ uid: 65_534, gid: 65_534 });
        expect(words).toEqual(["hello"]);
        await expectModes(plan);
      } finally {
        await rm(root, { recursive: true });
      }
    }
  },
);

test("a preparation that was cut off at any step is finished by the next", async () => {
  await using fixture = await mailboxFixture();
  const spec = fixture.run();
  const whole = await fixture.mailbox.prepare(spec);
  const run = dirname(whole.launch.host);
  for (const name of [
    "run.json",
    "in/start.json",
    "in",
    "outbox",
    "inbox",
    "stdout.log",
    "launch",
    "control",
  ]) {
    await rm(join(run, name), { recursive: true });
    expect(await (await fixture.another()).prepare(spec)).toEqual(whole);
    expect(existsSync(join(run, name))).toBe(true);
  }
});

test("preparing again while the run lives keeps its words, its output and its standard input", async () => {
  await using fixture = await mailboxFixture();
  const spec = fixture.run();
  const plan = await fixture.mailbox.prepare(spec);
  await writeFile(join(hostPath(plan, "/waybill/outbox"), numberedName(1)), "word");
  await writeFile(plan.stdout.host, "output");
  await fixture.mailbox.prepare({ ...spec, config: { changed: true } });
  expect(await readFile(join(hostPath(plan, "/waybill/outbox"), numberedName(1)), "utf8")).toBe(
    "word",
  );
  expect(await readFile(plan.stdout.host, "utf8")).toBe("output");
  expect(await readFile(plan.stdin.host, "utf8")).not.toContain("changed");
});

test("sessions whose ids differ only in case have different folders on every disk", async () => {
  await using fixture = await mailboxFixture();
  const ids = ["task", "Task", "TASK", "con", "a."];
  const plans = await Promise.all(
    ids.map((sessionId) => fixture.mailbox.prepare(fixture.run({ sessionId }))),
  );
  const folders = plans.map((plan) => dirname(hostPath(plan, "/workspace")).split("/").at(-1)!);
  expect(new Set(folders.map((name) => name.toLowerCase())).size).toBe(ids.length);
  expect(folders[0]).toBe("task");
});

test.each(["../x", "a/b", "", ".hidden", "x".repeat(65)])(
  "a session id like %j is refused",
  async (sessionId) => {
    await using fixture = await mailboxFixture();
    await expect(fixture.mailbox.prepare(fixture.run({ sessionId }))).rejects.toMatchObject({
      code: "INVALID_ID",
    });
    expect(await readdir(fixture.root)).toEqual([]);
  },
);

test("a protocol-0 run under a child process finds its own folders under ipc/, by links", async () => {
  await using fixture = await mailboxFixture({ protocol: 0, runsAs: "host", prompt: "go" });
  const first = await fixture.mailbox.prepare(fixture.run());
  const ipc = join(hostPath(first, "/workspace"), "ipc");
  await writeFile(join(ipc, "messages", "1-left.json"), "{}");
  const second = await fixture.mailbox.prepare(fixture.run());
  expect(await readdir(join(ipc, "messages"))).toEqual([]);
  expect(await readlink(join(ipc, "tasks"))).toBe(
    planPath(second, { folder: "/workspace/ipc/tasks" }, "host"),
  );
  expect(await readdir(hostPath(first, "/workspace/ipc/messages"))).toEqual(["1-left.json"]);
});

test("a protocol-0 run in a container finds empty folders for its mounts, whatever a run before planted there", async () => {
  await using fixture = await mailboxFixture({ protocol: 0, runsAs: "dedicated", prompt: "go" });
  const first = await fixture.mailbox.prepare(fixture.run());
  const workspace = hostPath(first, "/workspace");
  const elsewhere = join(fixture.root, "elsewhere");
  await mkdir(elsewhere);
  await rename(join(workspace, "ipc"), join(workspace, "was-ipc"));
  await symlink(elsewhere, join(workspace, "ipc"));
  await fixture.mailbox.prepare(fixture.run());
  for (const name of ["ipc", "ipc/input", "ipc/messages", "ipc/tasks"]) {
    expect((await lstat(join(workspace, name))).isDirectory()).toBe(true);
  }
  expect(await readdir(elsewhere)).toEqual([]);
});

test("a session can go from a child process to a container and back", async () => {
  await using fixture = await mailboxFixture({ protocol: 0, prompt: "go" });
  for (const runsAs of ["host", "dedicated", "host"] as const) {
    const plan = await fixture.mailbox.prepare(fixture.run({ runsAs }));
    const input = join(hostPath(plan, "/workspace"), "ipc", "input");
    expect((await lstat(input)).isSymbolicLink()).toBe(runsAs === "host");
  }
});

test("a root that cannot be used is refused with the fix", async () => {
  const folder = await mkdtemp(join(tmpdir(), "waybill-root-"));
  await writeFile(join(folder, "file"), "");
  await expect(fsMailbox({ root: join(folder, "file", "data") }).check()).rejects.toMatchObject({
    code: "MAILBOX_UNWRITABLE",
  });
  await expect(fsMailbox({ root: "/proc/nothing" }).check()).rejects.toMatchObject({
    name: "WaybillError",
  });
  await fsMailbox({ root: join(folder, "data") }).check();
  expect(await readdir(join(folder, "data"))).toEqual([]);
  await rm(folder, { recursive: true });
});

test.skipIf(!isRoot)(
  `a root that its user may not write is refused with the fix${asOrdinary}`,
  async () => {
    const root = await mkdtemp(join(tmpdir(), "waybill-root-"));
    const child = runChild({ root, umask: 0o022, uid: 65_534, spec: runSpec() });
    expect(child).toMatchObject({ error: "MAILBOX_UNWRITABLE" });
    await rm(root, { recursive: true });
  },
);

test("the end of each stream outlives a removed run, and the mark that it existed", async () => {
  await using fixture = await mailboxFixture();
  const spec = fixture.run();
  const plan = await fixture.mailbox.prepare(spec);
  await writeFile(plan.stdout.host, `${"x".repeat(100_000)}end`);
  await fixture.mailbox.remove(plan);
  const run = dirname(plan.launch.host);
  expect((await readdir(run)).toSorted()).toEqual([
    "control",
    "dead-letters",
    "launch",
    "removed",
    "run.json",
    "stderr.tail.log",
    "stdout.tail.log",
  ]);
  const tail = await readFile(join(run, "stdout.tail.log"), "utf8");
  expect(tail.length).toBe(65_536);
  expect(tail.endsWith("end")).toBe(true);
  await expect(fixture.mailbox.prepare(spec)).rejects.toMatchObject({ code: "RUN_REMOVED" });
});

test("a mailbox whose folder was lost says so", async () => {
  await using fixture = await mailboxFixture();
  const plan = await fixture.mailbox.prepare(fixture.run());
  await rm(dirname(plan.launch.host), { recursive: true });
  const receiving = fixture.mailbox.receive(plan, {
    after: { seq: 0, offset: 0 },
    follow: true,
    signal: AbortSignal.timeout(5_000),
  });
  await expect(Array.fromAsync(receiving)).rejects.toMatchObject({ code: "MAILBOX_MISSING" });
});

test("secrets go only to old agents, with a warning, and leave the disk once they were read", async () => {
  const warnings: string[] = [];
  const logger: Logger = {
    debug() {},
    info() {},
    warn: (message) => warnings.push(message),
    error() {},
  };
  await using fixture = await mailboxFixture(
    { prompt: "go" },
    { logger, secrets: async () => ({ KEY: "hush" }) },
  );
  const modern = await fixture.mailbox.prepare(fixture.run({ protocol: 1 }));
  expect(await readFile(modern.stdin.host, "utf8")).not.toContain("hush");
  expect(warnings).toEqual([]);
  const spec = fixture.run({ protocol: 0 });
  const old = await fixture.mailbox.prepare(spec);
  expect(JSON.parse(await readFile(old.stdin.host, "utf8"))).toEqual({
    prompt: "go",
    sessionId: null,
    agentSlug: "coder",
    agentName: "Кодер",
    secrets: { KEY: "hush" },
  });
  expect(warnings).toHaveLength(1);
  await fixture.agent(old).say({ type: "turn_ended", turn: "", outcome: "completed", text: "ok" });
  const receiving = fixture.mailbox.receive(old, {
    after: { seq: 0, offset: 0 },
    follow: false,
    signal: AbortSignal.timeout(5_000),
  });
  await Array.fromAsync(receiving);
  await fixture.mailbox.prepare(spec);
  expect(JSON.parse(await readFile(old.stdin.host, "utf8"))).toMatchObject({
    prompt: "go",
    secrets: {},
  });
  expect(spawnSync("grep", ["-r", "hush", fixture.root]).status).toBe(1);
});

interface ChildOrder {
  readonly root: string;
  readonly umask: number;
  readonly uid?: number;
  readonly spec: ReturnType<typeof runSpec>;
}

interface ChildReport {
  readonly plan: RunPlan;
  readonly words: readonly string[];
}

/** A host process of its own: the umask and the user belong to a whole process. */
function runChild(order: ChildOrder): ChildReport | { readonly error: string } {
  const program = join(import.meta.dirname, "programs", "prepare.ts");
  const child = spawnSync(
    process.execPath,
    ["--conditions=@waybill/source", program, JSON.stringify(order)],
    { encoding: "utf8" },
  );
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout);
}

function prepareInChild(order: ChildOrder): ChildReport {
  const report = runChild(order);
  if ("error" in report) throw new Error(report.error);
  return report;
}

async function expectModes(plan: RunPlan): Promise<void> {
  const modes = async (paths: readonly string[]): Promise<readonly string[]> =>
    Promise.all(paths.map(async (path) => ((await stat(path)).mode & 0o7777).toString(8)));
  const run = dirname(plan.launch.host);
  const session = dirname(dirname(run));
  const writable = plan.folders.filter(({ write }) => write).map(({ host }) => host);
  expect(new Set(await modes([...writable, plan.launch.host]))).toEqual(new Set(["700"]));
  expect(new Set(await modes([session, dirname(run), run, plan.control]))).toEqual(
    new Set(["700"]),
  );
  expect(await modes([dirname(plan.stdin.host), plan.stdin.host])).toEqual(["755", "644"]);
  expect(await modes([plan.stdout.host, plan.stderr.host])).toEqual(["600", "600"]);
  for (const { host } of plan.folders.filter(({ write }) => !write)) {
    expect(await modes([host])).toEqual(["755"]);
    const letters = await readdir(host);
    expect(new Set(await modes(letters.map((name) => join(host, name))))).toEqual(new Set(["644"]));
    expect(letters).toHaveLength(1);
  }
}

async function ownerOf(path: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const { uid, gid } = await stat(path);
  return { uid, gid };
}

const ENTER_AS = `
import os, sys
folder, uid, script = sys.argv[1:]
os.chdir(folder)
os.setgroups([]); os.setgid(int(uid)); os.setuid(int(uid))
exec(script)
`;
