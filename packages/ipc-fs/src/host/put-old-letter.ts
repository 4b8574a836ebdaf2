import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";

import type { Letter } from "@waybill/core";

import { errnoOf } from "./mailbox-failure.ts";
import type { RunPaths } from "./run-paths.ts";
import { openSafeFolder } from "./safe-folder.ts";
import { writeOnce, writeOver } from "./write-once.ts";

/**
 * Protocol 0: puts a message or the close into `ipc/input`. The agent removes what it reads, so a
 * missing file proves nothing; what was put is remembered in a folder of the host's own:
 *
 * 1. the file's content is written there as `<key>.staged`,
 * 2. the name that it will have, as `<key>.name`,
 * 3. and renaming the first to the second puts it.
 *
 * A repeat after step 3 finds a name and nothing staged, and does nothing; one after a crash in
 * between goes on where that one stopped. Answers and interrupts do not exist in this protocol.
 */
export function putOldLetter(paths: RunPaths, letter: Letter): void {
  if (letter.type === "message") {
    const key = `m.${letter.id}.${letter.delivery}`;
    const text = JSON.stringify({ type: "message", text: letter.text });
    put(paths, key, text, () => messageName(paths, key));
  } else if (letter.type === "close") {
    put(paths, "close", "", () => "_close");
  }
}

function put(paths: RunPaths, key: string, content: string, chooseName: () => string): void {
  const staged = join(paths.puts, `${key}.staged`);
  const record = join(paths.puts, `${key}.name`);
  if (!existsSync(record)) {
    writeOver(staged, content, 0o644);
    writeOnce(record, chooseName(), 0o600);
  }
  const input = openSafeFolder(paths.input);
  try {
    renameSync(staged, input.at(readFileSync(record, "utf8")));
  } catch (error) {
    // Nothing staged any more: it was put before.
    if (errnoOf(error) !== "ENOENT" || existsSync(staged)) {
      throw error;
    }
  } finally {
    input.close();
  }
}

/**
 * `<ms>-<8 hex>.json`, as old agents sort it. The milliseconds are at least one more than those of
 * any message before, so the order holds within a millisecond and when the clock is set back.
 */
function messageName(paths: RunPaths, key: string): string {
  const record = join(paths.puts, "latest");
  const latest = existsSync(record) ? Number.parseInt(readFileSync(record, "utf8"), 10) : 0;
  const milliseconds = Math.max(Date.now(), latest + 1);
  writeOver(record, String(milliseconds), 0o600);
  return `${milliseconds}-${createHash("sha256").update(key).digest("hex").slice(0, 8)}.json`;
}
