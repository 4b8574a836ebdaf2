import { WaybillError } from "@waybill/core";
import { lstat, mkdir, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

/**
 * The file's one true name, with its folder made where it was missing. Throws
 * `STORE_PATH_UNWRITABLE` where that cannot be.
 */
export async function prepareStorePath(path: string): Promise<string> {
  try {
    await mkdir(dirname(resolve(path)), { recursive: true });
    return await resolveStorePath(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new WaybillError(
      "STORE_PATH_UNWRITABLE",
      `The folder of the store ${path} cannot be made (${reason}). Make it so that this user may write it, or choose another path.`,
      { details: { path }, cause },
    );
  }
}

/** The file's name with every link followed, so that two names of one store share one lock. */
export async function resolveStorePath(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  // Whoever comes second would find the link's target, and lock that instead.
  if (await isLink(absolute))
    throw new Error(`${absolute} is a link to a file that does not exist`);
  try {
    return join(await realpath(dirname(absolute)), basename(absolute));
  } catch (error) {
    if (isMissing(error)) return absolute;
    throw error;
  }
}

/** Throws a `TypeError` for a path that SQLite would take as something else than a file's name. */
export function assertStorePath(path: string): void {
  if (path !== "" && path !== ":memory:") return;
  throw new TypeError(
    `The store's path ${JSON.stringify(path)} is no file's name. For a store in memory, use memoryStore from @waybill/core.`,
  );
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
