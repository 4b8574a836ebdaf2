import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { join } from "node:path";
import type { FileHandle } from "node:fs/promises";
import type { RunHandle } from "@waybill/core";
import fse from "fs-extra";
import { errorCode } from "./error-code.ts";

/** The marker's name in the launch folder. */
export const markerName = "started";

/** The name, beside the marker, of what the run leaves when its lease has ended it. */
export const leaseEndedName = "lease-ended";

/** Whether the run's own shell says that the lease ended it: good for a sentence, and no more. */
export async function saysLeaseEnded(run: RunHandle): Promise<boolean> {
  const stats = await lstat(join(run.launch.host, leaseEndedName)).catch(() => null);
  return stats?.isFile() ?? false;
}

/** What the host writes into the marker when it forbids the run. */
const forbidden = "forbidden\n";

/**
 * What the marker says: a container's token, or something else; null where there is none. The folder
 * belongs to the run, so anything may lie there: a link is not followed, a pipe not waited for.
 */
export async function readMarker(run: RunHandle): Promise<string | null> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let file: FileHandle;
  try {
    file = await open(join(run.launch.host, markerName), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    return errorCode(error) === "ENOENT" ? null : "";
  }
  try {
    if (!(await file.stat()).isFile()) return "";
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(128), position: 0 });
    return buffer.toString("utf8", 0, bytesRead).trim();
  } catch {
    // It is there, and what it says cannot be read: it is not a token.
    return "";
  } finally {
    await file.close();
  }
}

/**
 * Takes the marker if nobody has it, so that no start line of this run can pass any more; resolves
 * once it is taken, by whomever. The folder is made again where it was removed.
 */
export async function forbidStart(run: RunHandle): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  await fse.ensureDir(run.launch.host);
  let file: FileHandle;
  try {
    const path = join(run.launch.host, markerName);
    file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
  } catch (error) {
    if (errorCode(error) === "EEXIST") return;
    throw error;
  }
  try {
    await file.writeFile(forbidden);
  } finally {
    await file.close();
  }
}
