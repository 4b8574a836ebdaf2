import { WaybillError } from "@waybill/core";
import type { Json } from "@waybill/core";
import type * as z from "zod";
import type { HttpAnswer, HttpRequest } from "./http-client.ts";
import { jsonOr } from "./server-said.ts";

/** Far more than a board needs; less than what makes `JSON.stringify` and `structuredClone` throw. */
const deepest = 32;

/**
 * The body of a 2xx as the schema sees it. Throws `TRACKER_ANSWER_UNREADABLE`: for a write that was
 * most likely done its class is `unknown`, since a receipt is never made up.
 */
export function answerJson<T>(
  schema: z.ZodType<T>,
  answer: HttpAnswer,
  request: HttpRequest,
  url: string,
): T {
  const refuse = (reason: string): WaybillError => unreadable(request, url, answer.status, reason);
  if (tooDeep(answer.text)) {
    throw refuse(`it is nested deeper than ${deepest} levels`);
  }
  const json = jsonOr(answer.text, undefined);
  if (json === undefined) {
    throw refuse(answer.text.trim() === "" ? "it is empty" : "it is no JSON");
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refuse(`${issue?.path.join(".") || "the whole"}: ${issue?.message ?? "invalid"}`);
  }
  return parsed.data;
}

/** An answer that says that it was done, in words that mean nothing to us. */
export function unreadable(
  request: HttpRequest,
  url: string,
  status: number,
  reason: string,
): WaybillError {
  return new WaybillError(
    "TRACKER_ANSWER_UNREADABLE",
    `The Tracker answered ${status} to ${request.method} ${url}/${request.path}, but what it said is no answer of a Tracker (${reason.slice(0, 200)}). Check that the address is the board's own.`,
    {
      class: request.method === "GET" ? "transient" : "unknown",
      details: {
        status,
        method: request.method,
        url,
        path: request.path,
        reason: reason.slice(0, 200),
      },
    },
  );
}

/** The fields that have a meaning of their own here go out; what else the board says of it stays. */
export function otherFields(
  value: Readonly<Record<string, unknown>>,
  known: readonly string[],
): Readonly<Record<string, Json>> {
  // What JSON.parse gave is Json; only the type of a loose schema has forgotten it.
  const entries = Object.entries(value as Readonly<Record<string, Json>>);
  return Object.fromEntries(
    entries.filter(([name]) => !known.includes(name) && name !== "__proto__"),
  );
}

// Counted on the text, before anything recursive sees it. Brackets inside strings do not count.
function tooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted) {
      at += character === "\\" ? 1 : 0;
      quoted = character !== '"';
    } else if (character === '"') {
      quoted = true;
    } else if (character === "[" || character === "{") {
      depth += 1;
    } else if (character === "]" || character === "}") {
      depth -= 1;
    }
    if (depth > deepest) {
      return true;
    }
  }
  return false;
}
