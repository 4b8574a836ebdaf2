import type { JsonObject } from "@waybill/core";

/** A piece of a reply, or of the way in which it is given. */
export type Part =
  | { readonly type: "say"; readonly text: string }
  | { readonly type: "think"; readonly text: string }
  /** Says `text` with `$1` … filled in from the newest place in the conversation that matches. */
  | { readonly type: "recall"; readonly pattern: RegExp; readonly text: string }
  | { readonly type: "tool"; readonly name: string; readonly input: JsonObject }
  | { readonly type: "wait"; readonly ms: number }
  /** A pause between the pieces of every text that follows in this reply. */
  | { readonly type: "pace"; readonly ms: number }
  | Fault
  /** The token counts that this reply reports, instead of the counted ones. */
  | { readonly type: "usage"; readonly tokens: Readonly<Record<string, number>> };

/** Something that goes wrong on purpose, so many times. */
export type Fault =
  | {
      readonly type: "fail";
      readonly status: number;
      readonly times: number;
      readonly retryAfterSeconds?: number;
      /** A subscription's limit, which ends so long after the answer. */
      readonly resetsInSeconds?: number;
    }
  /** The connection breaks here. */
  | { readonly type: "drop"; readonly times: number }
  /** Nothing more comes, and the connection stays open. */
  | { readonly type: "hang"; readonly times: number };

/** Whether a part is a fault. */
export function isFault(part: { readonly type: Part["type"] }): part is Fault {
  return part.type === "fail" || part.type === "drop" || part.type === "hang";
}

/** What one line of a script says. */
export type Line =
  | Part
  | { readonly type: "also"; readonly name: string; readonly input: JsonObject }
  | { readonly type: "instead" }
  | { readonly error: string };

const WORDS: Readonly<Record<string, (rest: string) => Line>> = {
  say: (rest) => spoken("say", rest),
  think: (rest) => spoken("think", rest),
  recall: recalled,
  tool: (rest) => called("tool", rest),
  also: (rest) => called("also", rest),
  wait: (rest) => timed("wait", rest),
  pace: (rest) => timed("pace", rest),
  fail: failed,
  drop: (rest) => broken("drop", rest),
  hang: (rest) => broken("hang", rest),
  usage: counted,
  instead: () => ({ type: "instead" }),
};

/** Reads one line: a word and what belongs to it. See the package's README for the language. */
export function scriptLine(line: string): Line {
  const [, word = "", rest = ""] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
  const read = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
  if (read !== undefined) return read(rest.trim());
  return {
    error: `"${word}" is no word of the script; it knows ${Object.keys(WORDS).join(", ")}.`,
  };
}

function spoken(type: "say" | "think", rest: string): Line {
  const text = rest.startsWith('"') ? parsed(rest) : rest;
  if (typeof text === "string" && text.trim() !== "") return { type, text };
  return { error: `"${type}" needs a text, as it is or as a JSON string.` };
}

function recalled(rest: string): Line {
  const [, source, flags = "", text = ""] =
    /^\/((?:\\.|[^\\/])+)\/([a-z]*)\s*(.*)$/.exec(rest) ?? [];
  if (source === undefined)
    return { error: `"recall" needs a pattern: recall /code is (\\w+)/ It is $1.` };
  try {
    return { type: "recall", pattern: new RegExp(source, flags), text: text === "" ? "$1" : text };
  } catch (error) {
    return { error: `"recall" has a bad pattern: ${String(error)}` };
  }
}

function called(type: "tool" | "also", rest: string): Line {
  const [, name, json = "{}"] = /^([\w.-]+)\s*(\{.*\})?$/.exec(rest) ?? [];
  const input = parsed(json);
  if (name !== undefined && isObject(input)) return { type, name, input };
  return {
    error: `"${type}" needs a tool's name and its input as a JSON object on the same line.`,
  };
}

function timed(type: "wait" | "pace", rest: string): Line {
  if (/^\d{1,7}$/.test(rest)) return { type, ms: Number(rest) };
  return { error: `"${type}" needs a number of milliseconds.` };
}

function failed(rest: string): Line {
  const [, status, more = ""] = /^([45]\d\d)\b\s*(.*)$/.exec(rest) ?? [];
  const settings = named(more, ["times", "retry-after", "resets-in"]);
  if (status === undefined || settings === null) {
    return { error: `"fail" needs a status: fail 529 times=2 retry-after=1.` };
  }
  const retryAfterSeconds = settings.get("retry-after");
  const resetsInSeconds = settings.get("resets-in");
  return {
    type: "fail",
    status: Number(status),
    times: settings.get("times") ?? 1,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(resetsInSeconds === undefined ? {} : { resetsInSeconds }),
  };
}

function broken(type: "drop" | "hang", rest: string): Line {
  const settings = named(rest, ["times"]);
  if (settings === null) return { error: `"${type}" takes times=<number> or times=always.` };
  return { type, times: settings.get("times") ?? 1 };
}

function counted(rest: string): Line {
  const settings = named(rest, ["input", "output", "cache-read", "cache-write"]);
  if (settings === null || settings.size === 0) {
    return {
      error: `"usage" needs token counts: usage input=1000 output=20 cache-read=5 cache-write=5.`,
    };
  }
  return { type: "usage", tokens: Object.fromEntries(settings) };
}

/** Reads `name=number` settings; `always` counts as endless. Null for anything else. */
function named(text: string, allowed: readonly string[]): ReadonlyMap<string, number> | null {
  const found = new Map<string, number>();
  for (const setting of text.split(/\s+/).filter((word) => word !== "")) {
    const [, name, value] = /^([a-z-]+)=(\d+(?:\.\d+)?|always)$/.exec(setting) ?? [];
    if (name === undefined || !allowed.includes(name)) return null;
    found.set(name, value === "always" ? Number.POSITIVE_INFINITY : Number(value));
  }
  return found;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // The caller says what the line should have been.
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
