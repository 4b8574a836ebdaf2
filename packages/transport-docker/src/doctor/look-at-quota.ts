import type { Settings } from "../options.ts";
import { quotaCheckMs } from "../watch/disk-quota.ts";
import type { Finding } from "./finding.ts";

/** What keeps a run from filling the disk. */
export function lookAtQuota({ diskBytes, fileSizeBytes }: Settings): Finding {
  const check = "quota";
  if (diskBytes !== null) {
    const found = `A run whose folders hold more than ${diskBytes} bytes is killed; they are measured every ${quotaCheckMs / 1_000} s while it is watched.`;
    return { check, ok: true, found, fix: null };
  }
  const found = `Nothing but the disk limits all that a run writes; one file ends at ${fileSizeBytes} bytes.`;
  const fix = "Set diskBytes, or give the mailbox a file system with a quota of its own.";
  return { check, ok: true, found, fix };
}
