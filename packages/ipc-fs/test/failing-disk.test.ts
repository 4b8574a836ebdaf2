// A disk that fills up, runs out of inodes, turns read-only; a host without file descriptors; a
// clock that is set back. Real small file systems, which only root can mount.
import { execFileSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import type { Letter, Mark, RunPlan } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import type { FsMailbox } from "@waybill/ipc-fs";
import { expect, test, vi } from "vitest";

import { openOutbox } from "../src/agent/outbox.ts";
import { recordWords } from "./host-log.ts";
import { envelope, hostPath, numberedName, place, runSpec } from "./mailbox-fixture.ts";

const reason = whyNot();
const why = reason === null ? "" : ` (skipped: ${reason})`;

test.skipIf(reason !== null)(
  `a full disk refuses letters with a code, keeps words, and passes${why}`,
  async () => {
    await using disk = await smallDisk("size=256k");
    const { mailbox, plan, root } = disk;
    const host = recordWords(mailbox, plan);
    await place(disk.outbox, numberedName(1), envelope(1, HELLO));
    await host.word(({ type }) => type === "hello");
    execFileSync("sh", ["-c", `cat /dev/zero > "${join(root, "filler")}" 2> /dev/null || true`]);
    await expect(mailbox.put(plan, LETTER)).rejects.toMatchObject({
      code: "DISK_FULL",
      class: "transient",
    });
    const names = await readdir(hostPath(plan, "/waybill/inbox"));
    expect(names).toEqual([]);
    await expect(mailbox.prepare(runSpec())).rejects.toMatchObject({ code: "DISK_FULL" });
    await unlink(join(root, "filler"));
    await mailbox.put(plan, LETTER);
    await place(disk.outbox, numberedName(2), envelope(2, TAKE));
    await host.word(({ type }) => type === "operation");
    await host.stop();
  },
);

test.skipIf(reason !== null)(
  `a disk without inodes refuses letters with a code, and passes${why}`,
  async () => {
    await using disk = await smallDisk("size=4m,nr_inodes=40");
    const { mailbox, plan, root } = disk;
    await mkdir(join(root, "filler"));
    for (let index = 0; ; index += 1) {
      const made = await writeFile(join(root, "filler", String(index)), "").then(
        () => true,
        () => false,
      );
      if (!made) break;
    }
    await expect(mailbox.put(plan, LETTER)).rejects.toMatchObject({ code: "DISK_FULL" });
    await rm(join(root, "filler"), { recursive: true });
    await mailbox.put(plan, LETTER);
    expect(await readdir(hostPath(plan, "/waybill/inbox"))).toHaveLength(1);
  },
);

test.skipIf(reason !== null)(
  `a disk that turns read-only loses nothing, and repeats nothing once it is back${why}`,
  async () => {
    await using disk = await smallDisk("size=1m");
    const { mailbox, plan } = disk;
    await place(disk.outbox, numberedName(1), envelope(1, HELLO));
    await place(disk.outbox, numberedName(2), envelope(2, TAKE));
    disk.remount("ro");
    const host = recordWords(mailbox, plan);
    await host.word(({ type }) => type === "operation");
    await expect(mailbox.put(plan, LETTER)).rejects.toMatchObject({ code: "DISK_READ_ONLY" });
    expect(await readdir(disk.outbox)).toContain(numberedName(2));
    disk.remount("rw");
    await mailbox.put(plan, LETTER);
    await place(disk.outbox, numberedName(3), envelope(3, { type: "bye" }));
    await host.word(({ type }) => type === "bye");
    await host.stop();
    expect(host.words.map(({ type }) => type)).toEqual(["hello", "operation", "bye"]);
    expect(await drained(mailbox, plan, host.mark)).toEqual([]);
    expect((await readdir(disk.outbox)).filter((name) => !name.startsWith("."))).toEqual([]);
  },
);

test.skipIf(reason !== null)(
  `an agent whose disk is full waits, and leaves no number out${why}`,
  async () => {
    await using disk = await smallDisk("size=256k");
    const { mailbox, plan, root } = disk;
    const host = recordWords(mailbox, plan);
    const outbox = openOutbox({ path: disk.outbox, unacknowledged: 8, fileBytes: 262_144 });
    const { type: hello, ...data } = HELLO;
    await outbox.write(hello, data);
    await host.word(({ type }) => type === "hello");
    execFileSync("sh", ["-c", `cat /dev/zero > "${join(root, "filler")}" 2> /dev/null || true`]);
    const accepted = (message: string) => outbox.write("accepted", { turn: "t", message });
    const waiting = [accepted("m1"), accepted("m2")];
    const first = await Promise.race([pause(600).then(() => "waits"), ...waiting]);
    expect(first).toBe("waits");
    await unlink(join(root, "filler"));
    expect(await Promise.all(waiting)).toEqual([2, 3]);
    await host.word((word) => word.type === "accepted" && word.message === "m2");
    await host.stop();
    expect(host.mark.seq).toBe(3);
  },
);

test("a host without file descriptors says so with a code, and goes on once it has some", async () => {
  const root = await mkdtemp(join(tmpdir(), "waybill-emfile-"));
  const program = join(import.meta.dirname, "programs", "no-descriptors.ts");
  const command = `ulimit -n 64; exec "$0" --conditions=@waybill/source "$1" "$2"`;
  const said = execFileSync("sh", ["-c", command, process.execPath, program, root]);
  expect(JSON.parse(said.toString())).toEqual({
    put: "TOO_MANY_FILES",
    receive: "TOO_MANY_FILES",
    after: ["hello", "operation"],
  });
  await rm(root, { recursive: true });
});

test("words that a clock an hour ahead wrote are heard once, in order, and not from the future", async () => {
  const root = await mkdtemp(join(tmpdir(), "waybill-clock-"));
  const mailbox = fsMailbox({ root, gapMs: 300 });
  const plan = await mailbox.prepare(runSpec());
  const outbox = hostPath(plan, "/waybill/outbox");
  for (const [index, word] of [HELLO, TAKE, { type: "bye" } as const].entries()) {
    const name = numberedName(index + 1);
    await place(outbox, name, envelope(index + 1, word));
    const hours = 1 - index;
    execFileSync("touch", [
      "-d",
      `@${Math.floor(Date.now() / 1_000) + hours * 3_600}`,
      join(outbox, name),
    ]);
  }
  expect(await drained(mailbox, plan)).toEqual(["hello", "operation", "bye"]);
  await mailbox.close();
  await rm(root, { recursive: true });
});

test("a host whose clock is set back an hour hears everything once and in order, and passes over a gap", async () => {
  const root = await mkdtemp(join(tmpdir(), "waybill-clock-"));
  const mailbox = fsMailbox({ root, gapMs: 300 });
  const plan = await mailbox.prepare(runSpec());
  const outbox = hostPath(plan, "/waybill/outbox");
  const host = recordWords(mailbox, plan);
  await place(outbox, numberedName(1), envelope(1, HELLO));
  await host.word(({ type }) => type === "hello");
  const now = Date.now;
  const back = vi.spyOn(Date, "now").mockImplementation(() => now() - 3_600_000);
  try {
    await place(outbox, numberedName(2), envelope(2, TAKE));
    await host.word(({ type }) => type === "operation");
    await place(outbox, numberedName(4), envelope(4, { type: "bye" }));
    await mailbox.put(plan, LETTER);
    await host.word(({ type }) => type === "bye");
    expect(host.words.map(({ type }) => type)).toEqual(["hello", "operation", "gap", "bye"]);
    expect(await readdir(hostPath(plan, "/waybill/inbox"))).toEqual(["m.0000000001.0001.json"]);
  } finally {
    back.mockRestore();
  }
  await host.stop();
  await mailbox.close();
  await rm(root, { recursive: true });
});

const HELLO = { type: "hello", agent: "x", context: "fresh", holds: [] } as const;
const TAKE = { type: "operation", operation: { type: "task.take", task: "1" } } as const;
const LETTER: Letter = {
  type: "message",
  id: "m1",
  delivery: 1,
  position: 1,
  text: "x".repeat(9_000),
  from: null,
};

async function drained(
  mailbox: FsMailbox,
  plan: RunPlan,
  after: Mark = { seq: 0, offset: 0 },
): Promise<readonly string[]> {
  const types: string[] = [];
  const signal = AbortSignal.timeout(10_000);
  for await (const batch of mailbox.receive(plan, { after, follow: false, signal }))
    for (const item of batch) if (item.type === "word") types.push(item.word.type);
  return types;
}

async function smallDisk(options: string) {
  const root = await mkdtemp(join(tmpdir(), "waybill-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "waybill-test", root]);
  const mailbox = fsMailbox({ root, gapMs: 300 });
  const plan = await mailbox.prepare(runSpec());
  return {
    root,
    mailbox,
    plan,
    outbox: hostPath(plan, "/waybill/outbox"),
    remount: (how: "ro" | "rw") => execFileSync("mount", ["-o", `remount,${how}`, root]),
    async [Symbol.asyncDispose]() {
      await mailbox.close();
      execFileSync("umount", ["-l", root]);
      await rm(root, { recursive: true, force: true });
    },
  };
}

function whyNot(): string | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "only root on Linux mounts";
  try {
    closeSync(openSync("/proc/self/mounts", "r"));
    const probe = execFileSync("sh", [
      "-c",
      'd=$(mktemp -d) && mount -t tmpfs waybill-probe "$d" && umount "$d"; rmdir "$d"; echo done',
    ]);
    return probe.toString().includes("done") ? null : "no mount";
  } catch (error) {
    return `this machine lets nobody mount: ${String(error).slice(0, 100)}`;
  }
}
