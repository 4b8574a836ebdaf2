import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, readdir, rename, writeFile, appendFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Letter, Mailbox, RunPlan, RunSpec } from "@waybill/core";
import type {
  ContractAgent,
  ContractLetter,
  MailboxFixture,
  SpokenWord,
} from "@waybill/core/testing";
import { fsMailbox } from "@waybill/ipc-fs";
import type { FsMailboxOptions } from "@waybill/ipc-fs";
import { letterEnvelopeSchema } from "@waybill/ipc-fs/protocol";
import fse from "fs-extra";

/** A mailbox on real folders, with an agent that writes its files by hand. */
export async function mailboxFixture(
  defaults: Partial<RunSpec> = {},
  options: Partial<FsMailboxOptions> = {},
): Promise<MailboxFixture & { readonly root: string }> {
  const root = await mkdtemp(join(tmpdir(), "waybill-mailbox-"));
  const mailboxes: Mailbox[] = [];
  const open = (): Mailbox => {
    const mailbox = fsMailbox({ root, gapMs: 300, ...options });
    mailboxes.push(mailbox);
    return mailbox;
  };
  return {
    root,
    mailbox: open(),
    another: async () => open(),
    run: (change) => runSpec({ ...defaults, ...change }),
    agent: (plan) => (plan.protocol === 1 ? handAgent(plan) : oldHandAgent(plan)),
    async [Symbol.asyncDispose]() {
      await Promise.all(mailboxes.map((mailbox) => mailbox.close()));
      await fse.remove(root);
    },
  };
}

/** A run's spec with a new run id. */
export function runSpec(change: Partial<RunSpec> = {}): RunSpec {
  return {
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
    runsAs: "host",
    ...change,
  };
}

/** Where the plan puts something on the host. */
export function hostPath(plan: RunPlan, at: string): string {
  const folder = plan.folders.find((candidate) => candidate.at === at);
  if (folder === undefined) throw new Error(`The plan has no ${at}.`);
  return folder.host;
}

/** The name of the file with this number. */
export function numberedName(seq: number): string {
  return `${String(seq).padStart(16, "0")}.json`;
}

/** Writes a file as an agent does: beside, then renamed. */
export async function place(
  folder: string,
  name: string,
  content: string | Uint8Array,
): Promise<void> {
  const temporary = join(folder, `.${name}.${process.pid}.tmp`);
  await writeFile(temporary, content);
  await rename(temporary, join(folder, name));
}

/** The file of a word. */
export function envelope(seq: number, { type, ...data }: SpokenWord): string {
  return JSON.stringify({ v: 1, seq, type, at: Date.now(), data });
}

function handAgent(plan: RunPlan): ContractAgent {
  const outbox = hostPath(plan, "/waybill/outbox");
  const inbox = hostPath(plan, "/waybill/inbox");
  let seq = 0;
  return {
    start: () => readFile(plan.stdin.host, "utf8"),
    async say(word) {
      seq += 1;
      await place(outbox, numberedName(seq), envelope(seq, word));
    },
    async babble() {
      seq += 1;
      await place(outbox, numberedName(seq), "{ this is no JSON");
    },
    async skip() {
      seq += 1;
    },
    beat: () => writeFile(join(outbox, ".alive"), `${Date.now()}\n`),
    show: (activity) => appendFile(join(outbox, ".stream.jsonl"), `${JSON.stringify(activity)}\n`),
    async letters() {
      const names = (await readdir(inbox)).filter((name) => !name.startsWith(".")).toSorted();
      return Promise.all(names.map((name) => readLetter(join(inbox, name))));
    },
  };
}

async function readLetter(path: string): Promise<ContractLetter> {
  const { type, data } = letterEnvelopeSchema.parse(JSON.parse(await readFile(path, "utf8")));
  return { type, ...data } as Letter;
}

function oldHandAgent(plan: RunPlan): ContractAgent {
  const input = hostPath(plan, "/workspace/ipc/input");
  const messages = hostPath(plan, "/workspace/ipc/messages");
  const tasks = hostPath(plan, "/workspace/ipc/tasks");
  let count = 0;
  const nextName = (): string => {
    count += 1;
    return `${Date.now() + count}-${randomBytes(4).toString("hex")}.json`;
  };
  return {
    start: () => readFile(plan.stdin.host, "utf8"),
    async say(word) {
      if (word.type === "operation") {
        const file = oldOperation(word.operation);
        const folder = file["type"] === "chat_message" ? messages : tasks;
        await place(folder, nextName(), JSON.stringify(file));
      } else if (word.type === "turn_ended") {
        await appendFile(plan.stdout.host, frame({ status: "success", result: word.text }));
      }
    },
    babble: () => place(messages, nextName(), "{ this is no JSON"),
    async skip() {},
    beat: () => appendFile(plan.stderr.host, "still here\n"),
    async show() {},
    async letters() {
      const names = await readdir(input);
      const texts = names.filter((name) => name.endsWith(".json")).toSorted();
      const messagesFound = await Promise.all(
        texts.map(async (name) => JSON.parse(await readFile(join(input, name), "utf8"))),
      );
      return [...messagesFound, ...(names.includes("_close") ? [{ type: "close" as const }] : [])];
    },
  };
}

/** A frame of protocol 0. */
export function frame(output: object): string {
  return `---AGENT_OUTPUT_START---\n${JSON.stringify(output)}\n---AGENT_OUTPUT_END---\n`;
}

function oldOperation(
  operation: Extract<SpokenWord, { type: "operation" }>["operation"],
): Record<string, string> {
  switch (operation.type) {
    case "chat.send":
      return {
        type: "chat_message",
        chat_id: operation.chat,
        content: operation.content,
        sender_name: "somebody else",
      };
    case "task.comment":
      return { type: "task_comment", task_id: operation.task, comment: operation.content };
    case "task.status":
      return { type: "task_status", task_id: operation.task, status: operation.status };
    case "task.take":
      return { type: "task_take", task_id: operation.task, agent_slug: "somebody-else" };
    case "task.complete":
      return { type: "task_complete", task_id: operation.task };
    default:
      throw new Error(`Protocol 0 has no ${operation.type}.`);
  }
}
