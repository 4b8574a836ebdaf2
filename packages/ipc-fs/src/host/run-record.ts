import { readFileSync } from "node:fs";

import type { RunSpec } from "@waybill/core";
import { z } from "zod";

import { errnoOf } from "./mailbox-failure.ts";
import type { RunPaths } from "./run-paths.ts";
import { writeOnce } from "./write-once.ts";

/** What the host remembers of a run that its plan does not say. No secrets, no prompt. */
export interface RunRecord {
  readonly v: 1;
  readonly owner: string;
  readonly session: string;
  readonly run: string;
  readonly protocol: 0 | 1;
  readonly runsAs: "host" | "dedicated";
  readonly conversation: { readonly id: string; readonly resume: boolean };
}

const recordSchema: z.ZodType<RunRecord> = z.object({
  v: z.literal(1),
  owner: z.string(),
  session: z.string(),
  run: z.string(),
  protocol: z.union([z.literal(0), z.literal(1)]),
  runsAs: z.enum(["host", "dedicated"]),
  conversation: z.object({ id: z.string(), resume: z.boolean() }),
});

/** Records the run, once. The record is the last thing that `prepare` writes. */
export function writeRunRecord(paths: RunPaths, run: RunSpec): void {
  const record: RunRecord = {
    v: 1,
    owner: run.owner,
    session: run.sessionId,
    run: run.runId,
    protocol: run.protocol,
    runsAs: run.runsAs,
    conversation: { id: run.conversation.id, resume: run.conversation.resume },
  };
  writeOnce(paths.record, `${JSON.stringify(record, null, 2)}\n`, 0o600);
}

/** The record of a run, or null where it was never prepared to the end. */
export function readRunRecord(paths: Pick<RunPaths, "record">): RunRecord | null {
  try {
    return recordSchema.parse(JSON.parse(readFileSync(paths.record, "utf8")));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      return null;
    }
    throw error;
  }
}
