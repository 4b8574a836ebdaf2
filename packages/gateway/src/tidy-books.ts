import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import type { SessionId } from "@waybill/core";
import type { KeptLink } from "./keep-link.ts";
import { isSettled, readLedger } from "./process/books/ledger-lines.ts";
import { booksFolder } from "./way-spec.ts";
import type { LedgerOwner } from "./way-spec.ts";

/** Whose books are looked through, and where. */
export interface TidyBooksOptions {
  readonly root: string;
  readonly link: KeptLink;
  readonly owner: string;
  readonly hasEnded: (session: SessionId) => boolean;
}

/**
 * Lets go of what nobody needs; see `Gateway.tidy`. The files are looked at from here, so that no
 * process is started, or kept alive, only to hear that there is nothing to do; it alone removes them.
 */
export async function tidyBooks({ root, link, owner, hasEnded }: TidyBooksOptions): Promise<void> {
  for (const name of await booksIn(root)) {
    const of = await settledOwner(path.join(booksFolder(root), name));
    if (of?.owner === owner && hasEnded(of.sessionId)) await link.call({ call: "forget", ...of });
  }
}

async function booksIn(root: string): Promise<readonly string[]> {
  const names = await unlessMissing(readdir(booksFolder(root)));
  return (names ?? []).filter((name) => name.endsWith(".ndjson"));
}

/** Null where somebody needs the ledger, or nobody knows whose it is. */
async function settledOwner(file: string): Promise<LedgerOwner | null> {
  const text = await unlessMissing(readFile(file, "utf8"));
  const ledger = text === null ? null : readLedger(text);
  return ledger !== null && isSettled(ledger) ? ledger.of : null;
}

/** What is removed meanwhile is as good as never seen. */
async function unlessMissing<T>(found: Promise<T>): Promise<T | null> {
  return found.catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
}
