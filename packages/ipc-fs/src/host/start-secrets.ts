import { readFileSync } from "node:fs";

import { oldStartSchema } from "../protocol/old-start-schema.ts";
import { errnoOf } from "./mailbox-failure.ts";
import type { RunPaths } from "./run-paths.ts";
import { writeOver } from "./write-once.ts";

/**
 * Protocol 0: takes the secrets out of the file of standard input, once the agent has shown that it
 * has read it, or can no longer. A process that has the old file open keeps reading the old one.
 */
export function forgetSecrets(paths: RunPaths): void {
  const start = readStart(paths.start);
  if (start !== null && Object.keys(start.secrets).length > 0) {
    writeOver(paths.start, `${JSON.stringify({ ...start, secrets: {} })}\n`, 0o644);
  }
}

function readStart(path: string) {
  try {
    return oldStartSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      return null;
    }
    throw error;
  }
}
