import type { RunHandle } from "@waybill/core";
import { isObject, parseHandle } from "./records.ts";

/**
 * What the launcher has to do. It comes on its standard input and is never written down: a
 * command line can be read by every user of the machine, and a file outlives its use.
 */
export interface LaunchOrder {
  readonly run: RunHandle;
  /** The program, as an absolute path, and its arguments. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Arguments of the shell's `ulimit`, for example `["-c 0", "-n 1024"]`. */
  readonly limits: readonly string[];
  /** The lease under which the agent lives; null for none. */
  readonly lease: LeaseOrder | null;
}

/** A lease that the launcher looks after. */
export interface LeaseOrder {
  /** The file that holds it: the instant at which it ends. */
  readonly file: string;
  /** From one renewal to the end, in milliseconds. */
  readonly ms: number;
  /** From TERM to KILL, in milliseconds. */
  readonly graceMs: number;
}

/** What the launcher tells, as one line of JSON on its standard output. */
export type LaunchReport =
  /** The agent's process exists. */
  | { readonly type: "started"; readonly pid: number }
  /** Another one has this run id. */
  | { readonly type: "lost" }
  /** It could not be done. `claimed`: nobody else can do it either, under this run id. */
  | {
      readonly type: "failed";
      readonly claimed: boolean;
      readonly code: string | null;
      readonly message: string;
    };

/** The order in a text; null where it is none, for example cut short by its sender's death. */
export function parseOrder(text: string): LaunchOrder | null {
  const value = parse(text);
  if (!isObject(value)) return null;
  const { cwd, stdin, stdout, stderr } = value;
  const run = parseHandle(value["run"]);
  const [command, limits] = [parseTexts(value["command"]), parseTexts(value["limits"])];
  const env = parseEnv(value["env"]);
  if (run === null || command === null || limits === null || env === null) return null;
  if (typeof cwd !== "string" || typeof stdin !== "string") return null;
  if (typeof stdout !== "string" || typeof stderr !== "string") return null;
  const lease = parseLease(value["lease"]);
  if (lease === undefined) return null;
  return { run, command, cwd, env, stdin, stdout, stderr, limits, lease };
}

/** The report in a line; null where it is none. */
export function parseReport(line: string): LaunchReport | null {
  const value = parse(line);
  if (!isObject(value)) return null;
  const { type, pid, claimed, code, message } = value;
  if (type === "lost") return { type };
  if (type === "started" && typeof pid === "number") return { type, pid };
  if (type !== "failed" || typeof claimed !== "boolean" || typeof message !== "string") return null;
  return { type, claimed, message, code: typeof code === "string" ? code : null };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message would quote the environment.
    return null;
  }
}

/** Undefined where it is none, and null where there is none. */
function parseLease(value: unknown): LeaseOrder | null | undefined {
  if (value === null) return null;
  if (!isObject(value)) return undefined;
  const { file, ms, graceMs } = value;
  if (typeof file !== "string" || typeof ms !== "number" || typeof graceMs !== "number")
    return undefined;
  return { file, ms, graceMs };
}

function parseTexts(value: unknown): string[] | null {
  if (!Array.isArray(value)) return null;
  const texts = value.filter((item: unknown) => typeof item === "string");
  return texts.length === value.length ? texts : null;
}

function parseEnv(value: unknown): Record<string, string> | null {
  if (!isObject(value)) return null;
  const env: Record<string, string> = {};
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== "string") return null;
    env[name] = text;
  }
  return env;
}
