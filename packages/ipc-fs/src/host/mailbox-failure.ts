import { WaybillError } from "@waybill/core";
import type { FailureClass } from "@waybill/core";

interface Meaning {
  readonly code: string;
  readonly class: FailureClass;
  readonly fix: string;
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOSPC: {
    code: "DISK_FULL",
    class: "transient",
    fix: "Make room (bytes or inodes) on its disk.",
  },
  EDQUOT: { code: "DISK_FULL", class: "transient", fix: "Raise the quota, or make room under it." },
  EROFS: { code: "DISK_READ_ONLY", class: "transient", fix: "Remount its disk for writing." },
  EMFILE: {
    code: "TOO_MANY_FILES",
    class: "transient",
    fix: "Raise the limit of open files (ulimit -n).",
  },
  ENFILE: {
    code: "TOO_MANY_FILES",
    class: "transient",
    fix: "Raise the system's limit of open files.",
  },
  EACCES: {
    code: "MAILBOX_UNWRITABLE",
    class: "permanent",
    fix: "Give this user the folder, or choose another root.",
  },
  EPERM: {
    code: "MAILBOX_UNWRITABLE",
    class: "permanent",
    fix: "Give this user the folder, or choose another root.",
  },
  ENOTDIR: {
    code: "MAILBOX_UNWRITABLE",
    class: "permanent",
    fix: "Remove the file that stands in the way, or choose another root.",
  },
};

const UNKNOWN: Meaning = { code: "MAILBOX_FAILED", class: "transient", fix: "See the cause." };

/** Makes a `mailboxFailure` of what the operating system refused; any other error stays as it is. */
export function explain(error: unknown, tried: string, path: string): unknown {
  return error instanceof Error && "errno" in error && "syscall" in error
    ? mailboxFailure(error, tried, path)
    : error;
}

/** The error for a file operation of the host that failed: what was tried, on what, and the fix. */
export function mailboxFailure(error: unknown, tried: string, path: string): WaybillError {
  const errno = errnoOf(error);
  const meaning = MEANINGS[errno] ?? UNKNOWN;
  return new WaybillError(
    meaning.code,
    `The mailbox could not ${tried} ${path} (${errno}). ${meaning.fix}`,
    { class: meaning.class, cause: error, details: { path, errno } },
  );
}

/** A refusal like the operating system's own, for what only the host itself can see. */
export function fileError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code, errno: 0, syscall: "check" });
}

/** The error's code as the operating system gives it, or its text. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
