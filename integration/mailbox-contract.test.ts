// The mailbox's contract with an agent on the other side of a real container's bind mount.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, test } from "vitest";
import type { Letter, Mailbox, RunPlan } from "@waybill/core";
import { mailboxContract, type ContractAgent, type MailboxFixture } from "@waybill/core/testing";
import { fsMailbox } from "@waybill/ipc-fs";
import { letterEnvelopeSchema } from "@waybill/ipc-fs/protocol";
import { describeWithDocker } from "./docker-engine.ts";
import { hostPath, startHostile, type HostileContainer } from "./hostile/hostile-container.ts";

const isRoot = process.getuid?.() === 0;
const title = "fsMailbox through a container's bind mount";

/** The one container of all clauses runs as root: an ordinary user could not clean up after it. */
function contractInContainer(): void {
  let base: string;
  let container: HostileContainer;

  // One container for all clauses: it sees the folder in which each clause has its own root.
  beforeAll(async () => {
    base = await mkdtemp(join(tmpdir(), "wb-contract-"));
    container = await startHostile({
      mailbox: fsMailbox({ root: join(base, "own") }),
      wall: "root with default capabilities",
      secret: "/nowhere",
      protocol: 1,
      sessionId: "contract",
      mounts: [{ host: base, at: base, write: true }],
    });
  });
  afterAll(async () => {
    await container[Symbol.asyncDispose]();
    await rm(base, { recursive: true, force: true });
  });

  mailboxContract({ test, patienceMs: 20_000, create: async () => fixture(base, container) });
}

if (isRoot) await describeWithDocker(title, ["node:24-slim"], contractInContainer);
else
  test.skipIf(true)(
    `${title}: skipped, its container runs as root; run as root to enable it`,
    () => undefined,
  );

async function fixture(base: string, container: HostileContainer): Promise<MailboxFixture> {
  const root = await mkdtemp(join(base, "clause-"));
  const mailboxes: Mailbox[] = [];
  const open = (): Mailbox => {
    const mailbox = fsMailbox({ root, gapMs: 300 });
    mailboxes.push(mailbox);
    return mailbox;
  };
  return {
    mailbox: open(),
    another: async () => open(),
    run: (change) => ({
      owner: "store-1",
      sessionId: "task-42",
      runId: `run-${randomBytes(8).toString("hex")}`,
      epoch: 1,
      protocol: 1,
      agent: { slug: "coder", name: "Кодер" },
      conversation: { id: "0f8f3f0e-8e0f-4c5e-9d5c-6f5a0b1c2d3e", resume: false },
      unsettled: [],
      prompt: null,
      config: {},
      runsAs: "dedicated",
      ...change,
    }),
    agent: (plan) => containedAgent(plan, container),
    async [Symbol.asyncDispose]() {
      await Promise.all(mailboxes.map((mailbox) => mailbox.close()));
      await rm(root, { recursive: true, force: true });
    },
  };
}

function containedAgent(plan: RunPlan, { order }: HostileContainer): ContractAgent {
  const outbox = hostPath(plan, "/waybill/outbox");
  const inbox = hostPath(plan, "/waybill/inbox");
  const hex = (text: string): string => Buffer.from(text).toString("hex");
  let seq = 0;
  const write = async (text: string): Promise<void> => {
    seq += 1;
    await order("write", join(outbox, `${String(seq).padStart(16, "0")}.json`), hex(text));
  };
  return {
    start: () => readFile(plan.stdin.host, "utf8"),
    say: ({ type, ...data }) =>
      write(JSON.stringify({ v: 1, seq: seq + 1, type, at: Date.now(), data })),
    babble: () => write("{ this is no JSON"),
    async skip() {
      seq += 1;
    },
    async beat() {
      await order("write", join(outbox, ".alive"), hex("1"));
    },
    async show(activity) {
      await order("append", join(outbox, ".stream.jsonl"), hex(`${JSON.stringify(activity)}\n`));
    },
    async letters() {
      const names = (await order("list", inbox)).split("\n").filter((name) => name !== "");
      const letters: Letter[] = [];
      for (const name of names) {
        const text = await order("read", join(inbox, name));
        const { type, data } = letterEnvelopeSchema.parse(JSON.parse(text));
        letters.push({ type, ...data } as Letter);
      }
      return letters;
    },
  };
}
