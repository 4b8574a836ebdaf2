import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import {
  link,
  mkdir,
  open,
  readFile,
  readdir,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import type { AgentWord, Incoming, Mailbox, Mark, RunPlan } from "@waybill/core";
import { expect, test } from "vitest";

import { openSafeFolder } from "../src/host/safe-folder.ts";
import { recordWords } from "./host-log.ts";
import { envelope, hostPath, mailboxFixture, numberedName, place } from "./mailbox-fixture.ts";

const SECRET = "the host's secret";
const isRoot = process.getuid?.() === 0;
const isLinux = process.platform === "linux";

type Plant = (path: string, secret: string) => Promise<unknown>;

const text =
  (content: string | Uint8Array): Plant =>
  (path) =>
    writeFile(path, content);
const word = (data: object, more: object = {}): Plant =>
  text(JSON.stringify({ v: 1, seq: 2, type: "operation", at: 0, data, ...more }));

test.each<[what: string, code: string, plant: Plant]>([
  ["a link to a file of the host", "NOT_A_FILE", (path, secret) => symlink(secret, path)],
  ["a relative link", "NOT_A_FILE", (path) => symlink("../in/start.json", path)],
  ["a link to nothing", "NOT_A_FILE", (path) => symlink("/nowhere", path)],
  ["a link to itself", "NOT_A_FILE", (path) => symlink(path, path)],
  ["an empty folder", "NOT_A_FILE", (path) => mkdir(path)],
  [
    "a folder with things in it",
    "NOT_A_FILE",
    async (path) => {
      await mkdir(join(path, "a", "b"), { recursive: true });
      await writeFile(join(path, "a", "x"), "");
    },
  ],
  ["a FIFO", "NOT_A_FILE", async (path) => execFileSync("mkfifo", [path])],
  [
    "a socket",
    "NOT_A_FILE",
    async (path) => {
      const server = createServer().listen(path);
      await once(server, "listening");
      // A closed server removes its socket; the file stays where the process is killed instead.
      server.unref();
    },
  ],
  [
    "a sparse gigabyte",
    "TOO_LARGE",
    async (path) => {
      await writeFile(path, "");
      await truncate(path, 2 ** 30);
    },
  ],
  ["one byte too many", "TOO_LARGE", text("x".repeat(262_145))],
  ["nothing", "NOT_JSON", text("")],
  ["half a word", "NOT_JSON", text(`{"v":1,"seq":2,`)],
  ["a list", "NOT_AN_ENVELOPE", text("[1]")],
  ["null", "NOT_AN_ENVELOPE", text("null")],
  ["5,000 levels", "TOO_DEEP", text(`${"[".repeat(5_000)}${"]".repeat(5_000)}`)],
  ["33 levels", "TOO_DEEP", text(`${"[".repeat(33)}${"]".repeat(33)}`)],
  ["bytes that are no UTF-8", "NOT_UTF8", text(Uint8Array.of(0x22, 0xff, 0x22))],
  ["another's number", "WRONG_SEQUENCE", text(envelope(3, { type: "bye" }))],
  [
    "a number beyond the exact ones",
    "WRONG_SEQUENCE",
    text(envelope(2, { type: "bye" }).replace(`"seq":2`, `"seq":9007199254740993`)),
  ],
  [
    "an infinite number",
    "NOT_AN_ENVELOPE",
    text(envelope(2, { type: "bye" }).replace(`"seq":2`, `"seq":1e400`)),
  ],
  ["version 2", "UNKNOWN_VERSION", text(`{"v":2,"seq":2,"type":"bye","at":0,"data":{}}`)],
  [
    "a type that objects have",
    "UNKNOWN_TYPE",
    text(`{"v":1,"seq":2,"type":"constructor","at":0,"data":{}}`),
  ],
  [
    "a word of the host's",
    "UNKNOWN_TYPE",
    text(`{"v":1,"seq":2,"type":"gap","at":0,"data":{"through":9}}`),
  ],
  [
    "an id that leaves its path",
    "INVALID_WORD",
    word({ operation: { type: "task.get", task: "../../v1/tasks/5?x=" } }),
  ],
  [
    "a turn's name with a slash",
    "INVALID_WORD",
    text(envelope(2, { type: "accepted", turn: "a/b", message: "m" })),
  ],
  [
    "an operation that nobody knows",
    "INVALID_WORD",
    word({ operation: { type: "host.run", command: "id" } }),
  ],
  [
    "an envelope that inherits its data",
    "INVALID_WORD",
    text(
      `{"v":1,"seq":2,"type":"operation","at":0,"__proto__":{"data":{"operation":{"type":"task.get","task":"1"}}}}`,
    ),
  ],
])("%s in the outbox is an unreadable word and a dead letter", async (_, code, plant) => {
  await using stage = await hostileStage();
  const { outbox, plan } = stage;
  await plant(join(outbox, numberedName(2)), stage.secret);
  await place(outbox, numberedName(3), envelope(3, TAKE));
  const words = await drain(stage.mailbox, plan);
  expect(words.map(({ type }) => type)).toEqual(["hello", "unreadable", "operation"]);
  expect(words[1]).toMatchObject({ code });
  expect(JSON.stringify(words)).not.toContain(SECRET);
  expect((await readdir(outbox)).filter((name) => !name.startsWith("."))).toEqual([]);
  const error = JSON.parse(
    await readFile(join(stage.deadLetters, numberedName(2).replace("json", "error.json")), "utf8"),
  );
  expect(error).toMatchObject({ seq: 2, code });
  expect(await readFile(stage.secret, "utf8")).toBe(SECRET);
});

test.skipIf(!isRoot)(
  `a device in the outbox is an unreadable word${isRoot ? "" : " (skipped: only root makes devices)"}`,
  async () => {
    await using stage = await hostileStage();
    execFileSync("mknod", [join(stage.outbox, numberedName(2)), "c", "1", "5"]);
    const words = await drain(stage.mailbox, stage.plan);
    expect(words[1]).toEqual({ type: "unreadable", code: "NOT_A_FILE", reason: "It is a device." });
  },
);

test("text that no store keeps alike is repaired, and fields that are not asked for are left out", async () => {
  await using stage = await hostileStage();
  const operation = {
    type: "chat.send",
    chat: "c-1",
    content: "a\\ud800b\\u0000c",
    by: { slug: "root" },
    sender_name: "boss",
  };
  await place(
    stage.outbox,
    numberedName(2),
    `{"v":1,"seq":2,"type":"operation","at":0,"data":{"operation":${JSON.stringify(operation).replaceAll("\\\\", "\\")},"__proto__":{"x":1}}}`,
  );
  const words = await drain(stage.mailbox, stage.plan);
  expect(words[1]).toEqual({
    type: "operation",
    operation: { type: "chat.send", chat: "c-1", content: "a\uFFFDb\uFFFDc" },
  });
});

test("a file with a second name is read once its writer had time to take the other name away", async () => {
  await using stage = await hostileStage();
  const path = join(stage.outbox, numberedName(2));
  await writeFile(`${path}.tmp`, envelope(2, TAKE));
  await link(`${path}.tmp`, path);
  const words = await drain(stage.mailbox, stage.plan);
  expect(words[1]).toEqual(TAKE);
});

test("names of every kind beside the sequence do not disturb it", async () => {
  await using stage = await hostileStage();
  const odd = [
    "..json",
    "__proto__.json",
    "\u001B[2J.json",
    "\u202Egnp.json",
    "a\nb",
    "x".repeat(255),
    "0000000000000000.json",
    "9007199254740993.json",
    "00000000000000002.json",
    "2.json",
    "0000000000000002.JSON",
  ];
  for (const name of odd) await writeFile(join(stage.outbox, name), envelope(2, { type: "bye" }));
  await writeFile(Buffer.concat([Buffer.from(`${stage.outbox}/`), Buffer.of(0xff, 0xfe)]), "");
  await place(stage.outbox, numberedName(2), envelope(2, TAKE));
  expect((await drain(stage.mailbox, stage.plan)).map(({ type }) => type)).toEqual([
    "hello",
    "operation",
  ]);
  expect((await readdir(stage.outbox)).length).toBe(odd.length + 1);
});

test("a number far ahead of any that an agent may use is junk, not the end of a gap", async () => {
  await using stage = await hostileStage();
  for (const seq of [5_000, 9_007_199_254_740_991])
    await place(stage.outbox, numberedName(seq), envelope(seq, TAKE));
  expect((await drain(stage.mailbox, stage.plan)).map(({ type }) => type)).toEqual(["hello"]);
});

test("a gap ends at the lowest number that is there, however much junk hides it", async () => {
  await using stage = await hostileStage();
  for (let index = 0; index < 4_000; index += 1)
    await writeFile(join(stage.outbox, `junk-${index}`), "");
  for (const seq of [700, 300, 900])
    await place(stage.outbox, numberedName(seq), envelope(seq, TAKE));
  const gaps = (await drain(stage.mailbox, stage.plan)).filter((said) => said.type === "gap");
  expect(gaps.map(({ through }) => through)).toEqual([299, 699, 899]);
});

test("the next word is found by name, quickly, where 20,000 junk files lie", async () => {
  await using stage = await hostileStage();
  for (let index = 0; index < 20_000; index += 1)
    await writeFile(join(stage.outbox, `junk-${index}`), "");
  const host = recordWords(stage.mailbox, stage.plan);
  await host.until((items) => items.some(({ type }) => type === "caught_up"));
  const placedAt = performance.now();
  await place(stage.outbox, numberedName(2), envelope(2, TAKE));
  await host.word(({ type }) => type === "operation");
  expect(performance.now() - placedAt).toBeLessThan(1_500);
  await host.stop();
});

test("a run keeps at most 1,000 dead letters, and hands over every unreadable word", async () => {
  await using stage = await hostileStage();
  for (let seq = 2; seq <= 1_011; seq += 1)
    await writeFile(join(stage.outbox, numberedName(seq)), "nonsense");
  const words = await drain(stage.mailbox, stage.plan);
  expect(words.filter(({ type }) => type === "unreadable")).toHaveLength(1_010);
  expect((await readdir(stage.deadLetters)).length).toBe(2_000);
});

test.skipIf(!isLinux)(
  `an outbox that is swapped for a link leads the host nowhere else${isLinux ? "" : " (skipped: needs /proc/self/fd)"}`,
  async () => {
    await using stage = await hostileStage();
    const elsewhere = join(stage.root, "elsewhere");
    await mkdir(elsewhere);
    await writeFile(
      join(elsewhere, numberedName(2)),
      envelope(2, { type: "operation", operation: { type: "task.get", task: "elsewhere" } }),
    );
    const host = recordWords(stage.mailbox, stage.plan);
    await host.word(({ type }) => type === "hello");
    await rename(stage.outbox, `${stage.outbox}.moved`);
    await symlink(elsewhere, stage.outbox);
    await place(`${stage.outbox}.moved`, numberedName(2), envelope(2, TAKE));
    expect(await host.word(({ type }) => type === "operation")).toEqual(TAKE);
    await host.stop();
    expect(await readdir(elsewhere)).toEqual([numberedName(2)]);
    const after: Mark = { seq: 1, offset: 0 };
    await expect(drain(stage.mailbox, stage.plan, after)).rejects.toMatchObject({
      code: "MAILBOX_UNWRITABLE",
    });
    expect(await readdir(elsewhere)).toEqual([numberedName(2)]);
  },
);

test.skipIf(!isLinux)(
  `files and folders that are swapped for links in a loop leak nothing in 20,000 reads${isLinux ? "" : " (skipped: needs renameat2)"}`,
  async () => {
    await using stage = await hostileStage();
    const name = numberedName(1);
    const elsewhere = join(stage.root, "elsewhere");
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, name), SECRET);
    await symlink(join(elsewhere, name), join(stage.outbox, "other"));
    await symlink(elsewhere, `${stage.outbox}.other`);
    const swapper = spawn("python3", ["-c", SWAP_LOOP, stage.outbox, name], { stdio: "ignore" });
    try {
      const seen = { file: 0, refused: 0, other: 0, shut: 0 };
      while (seen.file + seen.refused + seen.other < 20_000) {
        const folder = openUnlessSwapped(stage.outbox);
        if (folder === null) {
          seen.shut += 1;
          continue;
        }
        for (let index = 0; index < 50; index += 1) {
          const reading = folder.read(name, 262_144, true);
          seen[reading.type === "file" || reading.type === "refused" ? reading.type : "other"] += 1;
          if (reading.type === "file") expect(reading.bytes.toString()).not.toContain(SECRET);
        }
        folder.close();
        await pause(0);
      }
      expect(seen.file).toBeGreaterThan(100);
      expect(seen.refused).toBeGreaterThan(100);
    } finally {
      swapper.kill("SIGKILL");
      await once(swapper, "exit");
    }
  },
);

test("a flood in one run's outbox does not hold up another run's word", async () => {
  await using stage = await hostileStage();
  const calm = await stage.mailbox.prepare(stage.run());
  const calmOutbox = hostPath(calm, "/waybill/outbox");
  await place(calmOutbox, numberedName(1), envelope(1, HELLO));
  const flooded = recordWords(stage.mailbox, stage.plan);
  const quiet = recordWords(stage.mailbox, calm);
  await quiet.word(({ type }) => type === "hello");
  const flood = spawn("python3", ["-c", FLOOD, stage.outbox], { stdio: "ignore" });
  try {
    const delays: number[] = [];
    for (let seq = 2; seq <= 12; seq += 1) {
      const placedAt = performance.now();
      await place(
        calmOutbox,
        numberedName(seq),
        envelope(seq, { type: "accepted", turn: "t", message: `m${seq}` }),
      );
      await quiet.word((said) => said.type === "accepted" && said.message === `m${seq}`);
      delays.push(performance.now() - placedAt);
    }
    expect(delays.toSorted((a, b) => a - b)[5]).toBeLessThan(250);
  } finally {
    flood.kill("SIGKILL");
    await once(flood, "exit");
  }
  await quiet.stop();
  await flooded.stop();
});

test("a removed run's tree is removed without following a link, however deep it is", async () => {
  await using stage = await hostileStage();
  const elsewhere = join(stage.root, "elsewhere");
  await mkdir(elsewhere);
  await writeFile(join(elsewhere, "keep"), SECRET);
  await symlink(elsewhere, join(stage.outbox, "link"));
  execFileSync("python3", ["-c", DEEP, stage.outbox]);
  await stage.mailbox.remove(stage.plan);
  expect(existsSync(stage.outbox)).toBe(false);
  expect(await readFile(join(elsewhere, "keep"), "utf8")).toBe(SECRET);
});

test("a stream of activities that is junk, too long or too fast is thinned out and stops nothing", async () => {
  await using stage = await hostileStage();
  const stream = await open(join(stage.outbox, ".stream.jsonl"), "a");
  await stream.write(
    `no json\n${"x".repeat(40_000)}\n{"type":"unknown"}\n{"type":"text","text":"\\u001b[2Jhello"}\n`,
  );
  for (let index = 0; index < 1_000; index += 1) await stream.write(`{"type":"thinking"}\n`);
  await stream.close();
  const host = recordWords(stage.mailbox, stage.plan);
  await host.until((items) => items.some(({ type }) => type === "caught_up"));
  await pause(100);
  await host.stop();
  const activities = host.items.filter((item) => item.type === "activity");
  expect(activities[0]).toEqual({ type: "activity", activity: { type: "text", text: "[2Jhello" } });
  expect(activities.length).toBeLessThanOrEqual(200);
});

test("an activity stream that is a FIFO or a link is not opened", async () => {
  await using stage = await hostileStage();
  await symlink(stage.secret, join(stage.outbox, ".stream.jsonl"));
  execFileSync("mkfifo", [join(stage.outbox, ".alive")]);
  const host = recordWords(stage.mailbox, stage.plan);
  await host.until((items) => items.some(({ type }) => type === "caught_up"));
  await host.stop();
  expect(host.items.filter((item) => item.type === "activity")).toEqual([]);
});

test.skipIf(isRoot)(
  `an outbox that its agent closes to the host is an error with a code${isRoot ? " (skipped: root enters everywhere)" : ""}`,
  async () => {
    await using stage = await hostileStage();
    execFileSync("chmod", ["000", stage.outbox]);
    await expect(drain(stage.mailbox, stage.plan)).rejects.toMatchObject({
      code: "MAILBOX_UNWRITABLE",
    });
    execFileSync("chmod", ["700", stage.outbox]);
  },
);

const HELLO: Extract<AgentWord, { type: "hello" }> = {
  type: "hello",
  agent: "hostile",
  context: "fresh",
  holds: [],
};
const TAKE: Extract<AgentWord, { type: "operation" }> = {
  type: "operation",
  operation: { type: "task.take", task: "1" },
};

const SWAP_LOOP = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
outbox, name = sys.argv[1:]
swap = lambda a, b: libc.renameat2(-100, a.encode(), -100, b.encode(), 2)
while True:
    for _ in range(20): swap(f"{outbox}/{name}", f"{outbox}/other")
    swap(outbox, outbox + ".other")
    swap(outbox, outbox + ".other")
`;

const FLOOD = `
import os, sys
os.chdir(sys.argv[1])
n = 0
while True:
    open("flood", "w").close(); os.rename("flood", f"f-{n % 50}"); n += 1
`;

const DEEP = `
import os, sys
os.chdir(sys.argv[1])
for _ in range(3000):
    os.mkdir("d" * 50); os.chdir("d" * 50)
open("leaf", "w").close()
`;

function openUnlessSwapped(path: string): ReturnType<typeof openSafeFolder> | null {
  try {
    return openSafeFolder(path);
  } catch {
    // A link stands there at this moment; the host refuses to open it.
    return null;
  }
}

interface Stage extends AsyncDisposable {
  readonly mailbox: Mailbox;
  readonly plan: RunPlan;
  readonly root: string;
  readonly outbox: string;
  readonly deadLetters: string;
  readonly secret: string;
  readonly run: Awaited<ReturnType<typeof mailboxFixture>>["run"];
}

async function hostileStage(): Promise<Stage> {
  const fixture = await mailboxFixture();
  const plan = await fixture.mailbox.prepare(fixture.run());
  const outbox = hostPath(plan, "/waybill/outbox");
  const secret = join(fixture.root, "secret");
  await writeFile(secret, SECRET);
  await place(outbox, numberedName(1), envelope(1, HELLO));
  return {
    mailbox: fixture.mailbox,
    plan,
    root: fixture.root,
    outbox,
    deadLetters: join(dirname(outbox), "dead-letters"),
    secret,
    run: fixture.run,
    async [Symbol.asyncDispose]() {
      execFileSync("rm", ["-rf", fixture.root]);
      await rm(fixture.root, { recursive: true, force: true });
      await fixture[Symbol.asyncDispose]();
    },
  };
}

async function drain(
  mailbox: Mailbox,
  plan: RunPlan,
  after: Mark = { seq: 0, offset: 0 },
): Promise<readonly AgentWord[]> {
  const items: Incoming[] = [];
  for await (const batch of mailbox.receive(plan, {
    after,
    follow: false,
    signal: AbortSignal.timeout(30_000),
  }))
    items.push(...batch);
  return items.flatMap((item) => (item.type === "word" ? [item.word] : []));
}
