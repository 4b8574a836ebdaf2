import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { link, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Creates a file with this JSON in it, or leaves the one that is there: true where this call made
 * it. Nobody ever sees it half written, and it is on disk when this resolves.
 */
export async function createExclusive(path: string, value: object): Promise<boolean> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await writeDurably(draft, `${JSON.stringify(value)}\n`);
    await link(draft, path);
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await unlinkIfThere(draft);
  }
  await syncFolder(dirname(path));
  return true;
}

/**
 * Reads a file of ours: `undefined` where there is none, `null` where what is there is not one (a
 * link, a FIFO, too large, no JSON). Throws what the disk says otherwise, and, with the code
 * `EFOREIGN`, where the file is another user's: it may be true, but it is not ours to believe.
 */
export async function readOwn(path: string): Promise<unknown> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let file;
  try {
    file = await open(path, flags);
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return undefined;
    // ELOOP: a link. ENXIO: a socket.
    if (errorCode(error) === "ELOOP" || errorCode(error) === "ENXIO") return null;
    throw error;
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size > largest) return null;
    if (stat.uid !== process.geteuid?.()) throw foreignError(path, stat.uid);
    return parseJson(await file.readFile("utf8"));
  } finally {
    await file.close();
  }
}

/** The `code` of an error of Node's, or null. */
export function errorCode(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

const largest = 65_536;

function foreignError(path: string, uid: number): Error {
  return Object.assign(new Error(`${path} belongs to user ${uid}.`), { code: "EFOREIGN" });
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message would quote what it read.
    return null;
  }
}
