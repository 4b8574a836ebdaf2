/** The system's code of an error (`EACCES`), or `UNEXPECTED` where it has none. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  return "UNEXPECTED";
}
