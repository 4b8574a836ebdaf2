import type { z } from "zod";

import { nestsDeeperThan } from "./json-depth.ts";
import { JSON_DEPTH } from "./limits.ts";

/** What reading hostile bytes gave. A refusal's reason never quotes the bytes. */
export type Reading<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly code: string; readonly reason: string };

/**
 * Reads bytes of an untrusted program as JSON of a known shape. Codes of refusal: `NOT_UTF8`,
 * `TOO_DEEP`, `NOT_JSON`, and `code` where the shape is wrong.
 */
export function readJson<Value>(
  bytes: Uint8Array,
  schema: z.ZodType<Value>,
  code: string,
): Reading<Value> {
  const parsed = parseHostile(bytes);
  return parsed.ok ? checkShape(parsed.value, schema, code) : parsed;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Parses bytes of an untrusted program, without a look at the shape. */
export function parseHostile(bytes: Uint8Array): Reading<unknown> {
  if (nestsDeeperThan(JSON_DEPTH, bytes)) {
    return refused("TOO_DEEP", `It nests deeper than ${JSON_DEPTH} levels.`);
  }
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return refused("NOT_UTF8", "It is not UTF-8 text.");
  }
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return refused("NOT_JSON", "It is not JSON.");
  }
}

/** Checks a parsed value against a schema. */
export function checkShape<Value>(
  value: unknown,
  schema: z.ZodType<Value>,
  code: string,
): Reading<Value> {
  const result = schema.safeParse(value);
  if (result.success) {
    return { ok: true, value: result.data };
  }
  const [issue] = result.error.issues;
  const path = issue === undefined ? "" : issue.path.map(String).join(".");
  return refused(
    code,
    `${path === "" ? "It" : path}: ${issue?.message ?? "wrong shape"}`.slice(0, 500),
  );
}

/** A refusal. */
export function refused(
  code: string,
  reason: string,
): { readonly ok: false; readonly code: string; readonly reason: string } {
  return { ok: false, code, reason };
}
