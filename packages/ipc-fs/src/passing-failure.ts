/** What a full disk, a full table or a read-only remount answers: it passes by itself. */
const PASSING = new Set(["ENOSPC", "EDQUOT", "EROFS", "EMFILE", "ENFILE", "EAGAIN", "EIO"]);

/** Whether a file operation failed for a reason that may pass, so that it is worth trying again. */
export function isPassing(error: unknown): boolean {
  return error instanceof Error && "code" in error && PASSING.has(String(error.code));
}
