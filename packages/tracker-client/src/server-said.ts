import * as z from "zod";

/** What a board says of a refusal. */
export interface ServerSaid {
  /** The board's own stable word for it; null where it has none. */
  readonly code: string | null;
  /** One line, at most 300 characters; empty where it says nothing. */
  readonly message: string;
}

const said = z.string().catch("");
// The shapes in use: ours, a bare text, FastAPI's `detail`, and RFC 9457.
const errorBody = z.union([
  z.object({ error: z.object({ code: z.string().nullable().catch(null), message: said }) }),
  z.object({ error: z.string(), message: z.string().optional() }),
  z.object({ detail: z.string() }),
  z.object({ title: z.string() }),
  z.object({ message: z.string() }),
]);

/** Reads an error's body, whatever it is: the text goes into a message for a person, cleaned. */
export function serverSaid(text: string): ServerSaid {
  const parsed = errorBody.safeParse(jsonOr(text, undefined));
  if (!parsed.success) {
    return { code: null, message: text.trimStart().startsWith("<") ? "" : oneLine(text) };
  }
  const body = parsed.data;
  if ("error" in body) {
    return typeof body.error === "string"
      ? {
          code: asCode(body.error),
          message: oneLine(("message" in body && body.message) || body.error),
        }
      : { code: asCode(body.error.code), message: oneLine(body.error.message) };
  }
  const message = "detail" in body ? body.detail : "title" in body ? body.title : body.message;
  return { code: null, message: oneLine(message) };
}

/** The text as JSON, or the fallback where it is none. */
export function jsonOr(text: string, fallback: unknown): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return fallback;
  }
}

function asCode(code: string | null): string | null {
  return code !== null && /^[A-Za-z0-9_.-]{1,64}$/.test(code) ? code : null;
}

// Control characters and direction marks could rewrite the terminal that shows the message.
function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{C}\s]+/gu, " ")
    .trim()
    .slice(0, 300);
}
