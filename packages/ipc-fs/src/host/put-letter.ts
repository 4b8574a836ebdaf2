import { join } from "node:path";

import type { Letter } from "@waybill/core";

import { writeLetter } from "../protocol/write-letter.ts";
import type { RunPaths } from "./run-paths.ts";
import { writeOnce } from "./write-once.ts";

/**
 * Protocol 1: puts a letter into the inbox. Its name is made of its ids, and a name that is taken
 * stays as it is, so a repeat changes nothing.
 */
export function putLetter(paths: RunPaths, letter: Letter): void {
  const { name, text } = writeLetter(letter, Date.now());
  writeOnce(join(paths.inbox, name), text, 0o644);
}
