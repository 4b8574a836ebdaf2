import { readFileSync } from "node:fs";
import { join } from "node:path";

import { WaybillError } from "@waybill/core";
import type { AgentWord } from "@waybill/core";

import type { DeadLetterName, KeptDeadLetter } from "../fs-mailbox-type.ts";
import { readOldOperation } from "../protocol/old-operation.ts";
import { readWord } from "../protocol/read-word.ts";
import type { Reading } from "../protocol/read-json.ts";
import { deadLetterNote } from "./dead-letters.ts";
import { keptLetters } from "./kept-letters.ts";
import { runPaths } from "./run-paths.ts";
import { writeOver } from "./write-once.ts";

/** Carries out `FsMailbox.redrive`. The note says that it was redriven once `act` has resolved. */
export async function redriveLetter(
  root: string,
  letter: DeadLetterName,
  act: (word: AgentWord, key: string) => Promise<void>,
): Promise<AgentWord> {
  const name = `${letter.sessionId}/${letter.runId}/${letter.seq}`;
  const kept = keptLetters(root, letter).find(({ seq }) => seq === letter.seq);
  if (kept === undefined) {
    throw refusal(
      "MISSING",
      `There is no dead letter ${name}. Ask deadLetters() for those there are.`,
    );
  }
  if (kept.redrivenAt !== null) {
    const when = new Date(kept.redrivenAt).toISOString();
    throw refusal("REDRIVEN", `The dead letter ${name} was redriven at ${when} already.`);
  }
  const reading = readAgain(kept);
  if (!reading.ok) {
    const { code, reason } = reading;
    throw refusal(
      "UNREADABLE",
      `The dead letter ${name} is still no word (${code}: ${reason}). Mend ${kept.path ?? "nothing: its content was not kept"}, then redrive it again.`,
      { code, reason },
    );
  }
  await act(reading.value, name);
  const path = join(runPaths(root, letter).deadLetters, deadLetterNote(letter.seq));
  const note = { ...parsed(path), redrivenAt: Date.now() };
  writeOver(path, `${JSON.stringify(note, null, 2)}\n`, 0o600);
  return reading.value;
}

function readAgain({ protocol, path, seq, code, reason }: KeptDeadLetter): Reading<AgentWord> {
  if (path === null) {
    return { ok: false, code, reason };
  }
  const bytes = readFileSync(path);
  if (protocol === 1) {
    return readWord(bytes, seq);
  }
  const old = readOldOperation(bytes);
  return old.ok ? { ok: true, value: { type: "operation", operation: old.value } } : old;
}

function parsed(path: string): object {
  const note: unknown = JSON.parse(readFileSync(path, "utf8"));
  return typeof note === "object" && note !== null ? note : {};
}

function refusal(
  what: "MISSING" | "REDRIVEN" | "UNREADABLE",
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): WaybillError {
  return new WaybillError(`DEAD_LETTER_${what}`, message, { details });
}
