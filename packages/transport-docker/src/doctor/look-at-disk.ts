import { statfs } from "node:fs/promises";
import { failed } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** Whether there is room where the mailbox keeps its folders. */
export async function lookAtDisk(folder: string): Promise<Finding> {
  const check = "disk";
  try {
    const { bavail, bsize, ffree } = await statfs(folder);
    const free = (bavail * bsize) / 1024 ** 3;
    const found = `${free.toFixed(1)} GiB and ${ffree} files are free at ${folder}.`;
    const ok = free >= 1 && (ffree === 0 || ffree >= 10_000);
    return {
      check,
      ok,
      found,
      fix: ok ? null : "Free some space, or give the mailbox another disk.",
    };
  } catch (error) {
    return failed(check, error);
  }
}
