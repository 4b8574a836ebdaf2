import type { ThreadFailure } from "./messages.ts";

/** An error that the thread raises on purpose. */
export class Refusal extends Error {
  readonly failure: ThreadFailure;

  constructor(code: string, message: string, details: Readonly<Record<string, unknown>>) {
    super(message);
    this.failure = { code, class: "permanent", message, details };
  }
}

/** The error as it leaves the thread, with SQLite's words turned into ours. */
export function failureFrom(error: unknown, path: string): ThreadFailure {
  if (error instanceof Refusal) return error.failure;
  const cause = error instanceof Error ? error.message : String(error);
  const known = kinds.find(({ codes }) => codesOf(error).some((code) => codes.includes(code)));
  if (known !== undefined) {
    const place = pathOf(error) ?? path;
    return {
      code: known.code,
      class: known.class,
      message: known.says(place, cause),
      details: { path: place },
      cause,
    };
  }
  return {
    code: "STORE_FAILED",
    class: "unknown",
    message: `The store ${path} failed in a way that nobody foresaw: ${cause}.`,
    details: { path },
    cause: error instanceof Error ? (error.stack ?? cause) : cause,
  };
}

/** What a damaged store's error says. */
export function corrupt(path: string, finding: string): Refusal {
  return new Refusal("STORE_CORRUPT", damaged(path, finding), { path, finding });
}

// SQLite's result codes (https://www.sqlite.org/rescode.html) and Node's names of system errors.
const kinds: readonly {
  readonly codes: readonly (number | string)[];
  readonly code: string;
  readonly class: ThreadFailure["class"];
  readonly says: (path: string, cause: string) => string;
}[] = [
  {
    // SQLITE_FULL; and SQLITE_IOERR_SHMSIZE, when the index of the write-ahead log finds no room.
    codes: [13, 4874, "ENOSPC", "EDQUOT"],
    code: "STORE_FULL",
    class: "transient",
    says: (path) =>
      `The disk of the store ${path} is full. Nothing of this append was kept, and everything before it is safe: free some space and append again.`,
  },
  {
    // SQLITE_CORRUPT, SQLITE_NOTADB
    codes: [11, 26],
    code: "STORE_CORRUPT",
    class: "permanent",
    says: damaged,
  },
  {
    // SQLITE_PERM, SQLITE_READONLY, SQLITE_CANTOPEN
    codes: [3, 8, 14, "EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR", "EISDIR"],
    code: "STORE_PATH_UNWRITABLE",
    class: "permanent",
    says: (path, cause) =>
      `The store ${path} cannot be written (${cause}). Give this user a folder that it may write, or choose another path.`,
  },
  {
    // SQLITE_BUSY, SQLITE_LOCKED
    codes: [5, 6],
    code: "STORE_BUSY",
    class: "transient",
    says: (path, cause) =>
      `Another connection held the store ${path} for too long (${cause}). Try again, and close programs that hold a transaction open on it.`,
  },
  {
    // SQLITE_IOERR
    codes: [10, "EIO"],
    code: "STORE_IO",
    class: "unknown",
    says: (path, cause) =>
      `The disk of the store ${path} failed (${cause}). Look at the system's log for the device, then append again: a repeat is recognised by its ids.`,
  },
];

function damaged(path: string, finding: string): string {
  return `The store ${path} is damaged: ${finding}. Put the newest backup in its place, or save what can still be read with: sqlite3 ${path} .recover`;
}

/** SQLite's extended code and the plain one in it, or the name of a system error. */
function codesOf(error: unknown): readonly (number | string)[] {
  if (!(error instanceof Error)) return [];
  if ("errcode" in error && typeof error.errcode === "number")
    return [error.errcode, error.errcode & 0xff];
  return "code" in error && typeof error.code === "string" ? [error.code] : [];
}

function pathOf(error: unknown): string | null {
  return error instanceof Error && "path" in error && typeof error.path === "string"
    ? error.path
    : null;
}
