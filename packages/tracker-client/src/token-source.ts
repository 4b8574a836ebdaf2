import { readFile } from "node:fs/promises";
import { WaybillError } from "@waybill/core";

/**
 * Where the Bearer token comes from: the token itself, a function that is asked before every request
 * (rotation), or a file that is read before every request (a mounted secret that is replaced).
 */
export type TokenSource = string | (() => string | Promise<string>) | { readonly file: string };

/** Gives the token that holds now. */
export type TokenReader = () => Promise<string>;

/** Checks the source as far as it can be checked now. Throws `TRACKER_TOKEN_INVALID`. */
export function tokenReader(source: TokenSource): TokenReader {
  if (typeof source === "string") {
    const token = usable(source.trim(), "the `token` option", "permanent");
    return async () => token;
  }
  if (typeof source === "function") {
    return async () =>
      usable(String(await fromFunction(source)).trim(), "the `token` function", "transient");
  }
  if (typeof source?.file === "string" && source.file !== "") {
    return async () =>
      usable((await fromFile(source.file)).trim(), `the file ${source.file}`, "transient");
  }
  throw usableError("the `token` option is missing", "permanent");
}

// Our own check, since the one of `Headers` repeats the whole value in its message.
function usable(token: string, origin: string, failureClass: "permanent" | "transient"): string {
  if (token === "") {
    throw usableError(`${origin} is empty`, failureClass);
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw usableError(
      `${origin} holds a space, a line break or a character beyond ASCII`,
      failureClass,
    );
  }
  return token;
}

function usableError(problem: string, failureClass: "permanent" | "transient"): WaybillError {
  return new WaybillError(
    "TRACKER_TOKEN_INVALID",
    `There is no usable token for the Tracker: ${problem}. Give the board's Bearer token (TRACKER_TOKEN).`,
    { class: failureClass },
  );
}

async function fromFunction(source: () => string | Promise<string>): Promise<string> {
  try {
    return await source();
  } catch (error) {
    throw unreadable("The `token` function failed", error);
  }
}

async function fromFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw unreadable(`The token file ${file} cannot be read`, error);
  }
}

// Nothing was sent, so it is transient: a secret that is being replaced is missing for a moment.
// The error itself is not passed on: whoever fetches a token may well put it into the message.
function unreadable(problem: string, error: unknown): WaybillError {
  const name = error instanceof Error ? error.name : typeof error;
  const code = error instanceof Error && "code" in error ? String(error.code) : name;
  return new WaybillError(
    "TRACKER_TOKEN_UNREADABLE",
    `${problem} (${code}). Make it give the board's Bearer token; the call was not sent.`,
    { class: "transient", details: { reason: code } },
  );
}
