import { execFileSync } from "node:child_process";
import { closeSync, fchmodSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Mailbox } from "@waybill/core";
import type { Round } from "../bench-line.ts";
import { benchRun, folderOf } from "./bench-run.ts";

const COUNT = 4_000;
const BATCH = 256;

/**
 * Microseconds for one word that is written, read and removed, all in this process, against the same
 * system calls in C, in batches of the same size. Without a C compiler there is no baseline, and standard error says so.
 */
export async function againstC(
  mailbox: Mailbox,
  folder: string,
  rounds: number,
): Promise<readonly Round[]> {
  const program = compile(folder);
  const all: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const place = join(folder, `c-${round}`);
    mkdirSync(place);
    const baseline =
      program === null
        ? null
        : Number(execFileSync(program, [place, String(COUNT), String(BATCH)]).toString());
    all.push({ value: await oneByOne(mailbox), baseline });
  }
  return all;
}

function compile(folder: string): string | null {
  const program = join(folder, "file-loop");
  try {
    const source = fileURLToPath(new URL("file-loop.c", import.meta.url));
    execFileSync("cc", ["-O2", "-D_GNU_SOURCE", "-o", program, source]);
    return program;
  } catch (error) {
    process.stderr.write(`No baseline in C: this needs a C compiler (${String(error)})\n`);
    return null;
  }
}

async function oneByOne(mailbox: Mailbox): Promise<number> {
  const plan = await mailbox.prepare(benchRun({}));
  const outbox = folderOf(plan, "/waybill/outbox");
  let seq = 0;
  const begun = performance.now();
  while (seq < COUNT) {
    const from = seq;
    for (let index = 0; index < BATCH && seq < COUNT; index += 1) {
      seq += 1;
      writeWord(outbox, seq);
    }
    const options = {
      after: { seq: from, offset: 0 },
      follow: false,
      signal: AbortSignal.timeout(60_000),
    };
    for await (const _ of mailbox.receive(plan, options));
  }
  return ((performance.now() - begun) * 1_000) / COUNT;
}

function writeWord(outbox: string, seq: number): void {
  const name = `${String(seq).padStart(16, "0")}.json`;
  const data = { turn: "t", message: "x".repeat(60) };
  const word = JSON.stringify({ v: 1, seq, type: "accepted", at: 0, data });
  const beside = `${outbox}/.${name}.tmp`;
  const file = openSync(beside, "w", 0o600);
  writeSync(file, word);
  fchmodSync(file, 0o644);
  closeSync(file);
  renameSync(beside, `${outbox}/${name}`);
}
