import { spawn } from "node:child_process";
import type { ChildProcess, ChildProcessWithoutNullStreams } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Activity, AgentOperation, AgentWord, Json } from "@waybill/core";
import { agentProgram } from "../src/index.ts";

/** A word of the agent as the test's host read it. */
export type SeenWord = AgentWord & { readonly seq: number; readonly readAt: number };

export interface HarnessAnswer {
  readonly status: "delivered" | "rejected" | "abandoned";
  readonly data?: Json;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface RunOptions {
  /** The folder of the session; the state and the workspace in it outlive runs. */
  readonly home: string;
  readonly modelUrl: string;
  readonly conversation: string;
  readonly resume?: boolean;
  readonly unsettled?: readonly string[];
  readonly config?: Record<string, Json>;
  readonly env?: Record<string, string>;
  /** Another agent's program. Default: this package's. */
  readonly program?: string;
  /** How the program is started. Default: as a child process from its source. */
  readonly spawn?: (folders: RunFolders, options: RunOptions) => ChildProcessWithoutNullStreams;
  /** What the host says to an operation; null says nothing yet. Default: delivered. */
  readonly answer?: (operation: AgentOperation, seq: number) => HarnessAnswer | null;
}

/** A run of the real program, driven by hand-written files: the other side of protocol 1. */
export interface Run {
  readonly child: ChildProcess;
  readonly words: readonly SeenWord[];
  readonly stderr: () => string;
  readonly stdout: () => string;
  readonly startedAt: number;
  send(id: string, text: string, more?: { from?: string; delivery?: number }): void;
  interrupt(turn: string): void;
  close(): void;
  answer(seq: number, answer: HarnessAnswer): void;
  activities(): readonly Activity[];
  /** The first word that fits, now or later; fails with what the run said after 30 s. */
  word<Type extends AgentWord["type"]>(
    type: Type,
    fits?: (word: Extract<SeenWord, { type: Type }>) => boolean,
  ): Promise<Extract<SeenWord, { type: Type }>>;
  /** Resolves with how it ended, after everything that it said was read. */
  exit(): Promise<{ code: number | null; signal: string | null }>;
  /** Kills the program and everything that it started, as a container that goes away does. */
  kill(signal?: NodeJS.Signals): void;
}

export function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), "waybill-agent-"));
  for (const folder of ["state", "workspace"]) mkdirSync(join(home, folder));
  return home;
}

export const newConversation = (): string => randomUUID();

export function script(...lines: string[]): string {
  return ["Please.", "```script", ...lines, "```"].join("\n");
}

/** The folders of one run, as the host sees them. */
export interface RunFolders {
  readonly home: string;
  readonly inbox: string;
  readonly outbox: string;
}

export function startRun(options: RunOptions): Run {
  const run = join(options.home, `run-${randomUUID().slice(0, 8)}`);
  const folders = { home: options.home, inbox: join(run, "inbox"), outbox: join(run, "outbox") };
  const { inbox, outbox } = folders;
  mkdirSync(inbox, { recursive: true });
  mkdirSync(outbox);
  // Whatever the umask: in a container the agent is another user.
  for (const folder of [run, inbox, outbox]) chmodSync(folder, 0o755);
  const startedAt = Date.now();
  const child = (options.spawn ?? spawnProgram)(folders, options);
  child.stdin.end(
    JSON.stringify({
      v: 1,
      protocol: 1,
      session: "s-1",
      run: "r-1",
      agent: { slug: "coder", name: "Кодер" },
      conversation: { id: options.conversation, resume: options.resume ?? false },
      unsettled: options.unsettled ?? [],
      config: options.config ?? {},
      limits: { fileBytes: 262_144, unacknowledged: 1024 },
    }),
  );
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (data: Buffer) => (output.stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output.stderr += data.toString()));
  const ended = once(child, "exit");

  const words: SeenWord[] = [];
  let next = 1;
  let position = 0;
  const put = (name: string, type: string, data: unknown): void => {
    writeFileSync(join(inbox, `.${name}`), JSON.stringify({ v: 1, type, at: Date.now(), data }));
    chmodSync(join(inbox, `.${name}`), 0o644);
    renameSync(join(inbox, `.${name}`), join(inbox, name));
  };
  const answer = (seq: number, given: HarnessAnswer): void =>
    put(`a.${String(seq).padStart(16, "0")}.json`, "answer", { re: seq, ...given });
  const readWords = (): void => {
    for (;;) {
      const path = join(outbox, `${String(next).padStart(16, "0")}.json`);
      let envelope;
      try {
        envelope = JSON.parse(readFileSync(path, "utf8"));
      } catch {
        return; // Not there yet.
      }
      const word = {
        ...envelope.data,
        type: envelope.type,
        seq: next,
        readAt: Date.now(),
      } as SeenWord;
      words.push(word);
      if (word.type === "operation") {
        const said =
          options.answer === undefined
            ? { status: "delivered" as const }
            : options.answer(word.operation, next);
        if (said !== null) answer(next, said);
      }
      unlinkSync(path);
      next += 1;
    }
  };
  const reading = setInterval(readWords, 5);

  return {
    child,
    words,
    startedAt,
    stderr: () => output.stderr,
    stdout: () => output.stdout,
    send(
      id,
      text,
      { from = null, delivery = 1 }: { from?: string | null; delivery?: number } = {},
    ) {
      position += 1;
      const name = `m.${String(position).padStart(10, "0")}.${String(delivery).padStart(4, "0")}.json`;
      put(name, "message", { id, delivery, position, text, from });
    },
    interrupt: (turn) => put(`i.${turn}.json`, "interrupt", { turn }),
    close: () => put("z.json", "close", { reason: "test", deadlineMs: 10_000 }),
    answer,
    activities() {
      const lines = readFileSync(join(outbox, ".stream.jsonl"), "utf8").trim().split("\n");
      return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
    },
    async word(type, fits = () => true) {
      const deadline = Date.now() + 30_000;
      for (;;) {
        const found = words.find((word) => word.type === type && fits(word as never));
        if (found !== undefined) return found as never;
        const isOver = child.exitCode !== null || child.signalCode !== null;
        if (isOver || Date.now() > deadline) {
          readWords();
          if (isOver && words.some((word) => word.type === type && fits(word as never))) continue;
          throw new Error(
            `No ${type} came. Words: ${JSON.stringify(words, null, 1)}\n${output.stderr}`,
          );
        }
        await pause(5);
      }
    },
    async exit() {
      const [code, signal] = (await ended) as [number | null, string | null];
      readWords();
      clearInterval(reading);
      return { code, signal };
    },
    kill(signal = "SIGKILL") {
      clearInterval(reading);
      process.kill(-child.pid!, signal);
    },
  };
}

function spawnProgram(
  { home, inbox, outbox }: RunFolders,
  { modelUrl, env, program = agentProgram() }: RunOptions,
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, ["--conditions=@waybill/source", program], {
    cwd: join(home, "workspace"),
    detached: true,
    env: {
      PATH: process.env["PATH"],
      HOME: home,
      TMPDIR: home,
      WAYBILL_PROTOCOL: "1",
      WAYBILL_INBOX: inbox,
      WAYBILL_OUTBOX: outbox,
      WAYBILL_STATE: join(home, "state"),
      WAYBILL_WORKSPACE: join(home, "workspace"),
      ANTHROPIC_BASE_URL: modelUrl,
      ...env,
    },
  });
}

export function removeHome(home: string): void {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}
