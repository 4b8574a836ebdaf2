import { isWaybillError } from "@waybill/core";

/** One thing that `doctor` looked at. */
export interface Finding {
  readonly check: DoctorCheck;
  /** False where runs fail or are not contained; a warning leaves it true and has a fix. */
  readonly ok: boolean;
  /** What was found, in a sentence. */
  readonly found: string;
  /** What to do about it; null where nothing needs to be done. */
  readonly fix: string | null;
}

/** What `doctor` looks at, in this order. */
export type DoctorCheck =
  | "engine"
  | "image"
  | "user"
  | "mounts"
  | "live-restore"
  | "log-limits"
  | "cgroups"
  | "disk"
  | "quota";

/** What was thrown, as a finding: our messages end with the fix. */
export function failed(check: DoctorCheck, error: unknown): Finding {
  const message = error instanceof Error ? error.message : String(error);
  const fix = isWaybillError(error)
    ? message.slice(message.indexOf(". ") + 2)
    : "See the message of the system.";
  return { check, ok: false, found: message, fix };
}
