import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import type { RunId, SessionId } from "@waybill/core";
import { z } from "zod";

import type { KeptDeadLetter } from "../fs-mailbox-type.ts";
import { readRunRecord } from "./run-record.ts";
import type { RunRecord } from "./run-record.ts";
import { runPaths } from "./run-paths.ts";

const noteSchema = z.object({
  v: z.literal(1),
  seq: z.int().positive(),
  origin: z.string(),
  code: z.string(),
  reason: z.string(),
  content: z.string().nullable(),
  at: z.number(),
  redrivenAt: z.number().nullable().default(null),
});

/** Reads the notes that `openDeadLetters` wrote beside each dead letter. */
export function keptLetters(
  root: string,
  of?: { readonly sessionId: SessionId; readonly runId?: RunId },
): readonly KeptDeadLetter[] {
  return runFolders(root, of).flatMap((folder) => {
    const record = existsSync(folder) ? readRunRecord({ record: join(folder, "run.json") }) : null;
    return record === null ? [] : lettersOf(join(folder, "dead-letters"), record);
  });
}

function runFolders(
  root: string,
  of: { readonly sessionId: SessionId; readonly runId?: RunId } | undefined,
): readonly string[] {
  if (of?.runId !== undefined) {
    return [runPaths(root, { ...of, runId: of.runId }).run];
  }
  const sessions =
    of === undefined
      ? foldersIn(join(root, "sessions"))
      : [runPaths(root, { ...of, runId: "any" }).session];
  return sessions.flatMap((session) => foldersIn(join(session, "runs")));
}

function foldersIn(path: string): readonly string[] {
  return existsSync(path)
    ? readdirSync(path)
        .toSorted()
        .map((name) => join(path, name))
    : [];
}

function lettersOf(folder: string, record: RunRecord): readonly KeptDeadLetter[] {
  return foldersIn(folder)
    .filter((path) => path.endsWith(".error.json"))
    .map((path) => {
      const { v: _, content, ...note } = noteSchema.parse(JSON.parse(readFileSync(path, "utf8")));
      return {
        sessionId: record.session,
        runId: record.run,
        protocol: record.protocol,
        ...note,
        path: content === null ? null : join(folder, content),
      };
    });
}
