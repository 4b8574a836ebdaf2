import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { WaybillError } from "@waybill/core";
import { z } from "zod";

import { errnoOf } from "./mailbox-failure.ts";
import { makeRoot } from "./make-place.ts";
import { writeOnce } from "./write-once.ts";

/**
 * The name of the folders under a root: made once, and kept with them. So it is the same for every
 * host that mounts them, moves along with them, and is another one for folders of the same path
 * elsewhere.
 */
export function siteName(root: string): string {
  const path = join(root, "mailbox.json");
  const known = readName(path);
  if (known !== null) return known;
  makeRoot(root);
  // Of several hosts that begin at once, one gives the name.
  writeOnce(path, `${JSON.stringify({ v: 1, id: randomUUID() })}\n`, 0o600);
  const name = readName(path);
  if (name !== null) return name;
  throw new WaybillError(
    "MAILBOX_FAILED",
    `The file ${path} vanished as soon as it was made. Choose a root that nobody clears while it is in use.`,
    { class: "transient", details: { path } },
  );
}

function readName(path: string): string | null {
  const text = readOr(path, null);
  if (text === null) return null;
  const parsed = nameSchema.safeParse(parse(text));
  if (parsed.success) return parsed.data.id;
  throw new WaybillError(
    "MAILBOX_FAILED",
    `The file ${path} does not say the name of this mailbox, which is recorded with every run. Restore it from a backup, or remove it and call abandonSite() of the sessions that lie here.`,
    { details: { path } },
  );
}

const nameSchema = z.object({ v: z.literal(1), id: z.string().min(1).max(200) });

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // said by who asked, with the path
  }
}

function readOr<Other>(path: string, other: Other): string | Other {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return other;
    throw error;
  }
}
