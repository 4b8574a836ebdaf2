import type { Json, JsonObject } from "@waybill/core";

/** The longest text that is shown whole, in UTF-16 units; a whole command, not a whole file. */
const TEXT = 8_000;
/** How many entries of a list or an object are shown. */
const ENTRIES = 50;
const DEPTH = 6;
/** The most text that is shown in all. */
const TOTAL = 64_000;

/**
 * A tool's input as a person is shown it: JSON of a size that fits a word. What is cut says so, since
 * whoever allows it must know that there is more.
 */
export function shownInput(input: Readonly<Record<string, unknown>>): JsonObject {
  const shown = showObject(input, 0);
  const size = JSON.stringify(shown).length;
  if (size <= TOTAL) return shown;
  return { cut: `The input is too large to be shown: ${size} characters, even when cut.` };
}

function show(value: unknown, depth: number): Json {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "string") return showText(value);
  if (typeof value !== "object") return `(${typeof value})`;
  if (depth >= DEPTH) return "… (nested more deeply than is shown)";
  if (!Array.isArray(value)) return showObject(value, depth);
  const list = value.slice(0, ENTRIES).map((each) => show(each, depth + 1));
  return value.length > ENTRIES ? [...list, `… (${value.length - ENTRIES} more)`] : list;
}

function showObject(value: object, depth: number): JsonObject {
  const entries = Object.entries(value);
  const shown = entries
    .slice(0, ENTRIES)
    .map(([name, each]): [string, Json] => [showText(name), show(each, depth + 1)]);
  if (entries.length > ENTRIES) shown.push(["…", `${entries.length - ENTRIES} more`]);
  return Object.fromEntries(shown);
}

function showText(text: string): string {
  if (text.length <= TEXT) return text;
  return `${text.slice(0, TEXT)}… (${text.length - TEXT} more characters)`;
}
