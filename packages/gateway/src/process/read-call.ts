import type { ControlCall, Credential } from "../control-words.ts";
import { readWaySpec } from "./read-way-spec.ts";
import { isRecord, isText } from "./shapes.ts";

/** A call as it was read, or what is wrong with it. Nothing of the line is quoted: it holds a key. */
export type ReadCall =
  | { readonly id: number; readonly call: ControlCall }
  | { readonly id: number; readonly error: string };

/** Reads one line from an orchestrator. */
export function readCall(line: string): ReadCall {
  const value = parse(line);
  if (!isRecord(value) || typeof value["id"] !== "number") {
    return { id: 0, error: "A call must be a JSON object with a numeric id." };
  }
  const call = readWords(value);
  if (call === null) return { id: value["id"], error: "The call is unknown or incomplete." };
  return { id: value["id"], call };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null; // Not JSON: refused by the caller, like any other value that is no object.
  }
}

function readWords(value: Record<string, unknown>): ControlCall | null {
  switch (value["call"]) {
    case "hello":
    case "stop":
      return { call: value["call"] };
    case "attach": {
      const way = readWaySpec(value["way"]);
      const credential = readCredential(value["credential"]);
      return way === null || credential === null ? null : { call: "attach", way, credential };
    }
    case "detach": {
      const { sessionId, runId } = value;
      return isText(sessionId) && isText(runId) ? { call: "detach", sessionId, runId } : null;
    }
    default:
      return null;
  }
}

function readCredential(value: unknown): Credential | null {
  if (!isRecord(value) || !isText(value["value"])) return null;
  const { kind } = value;
  if (kind !== "apiKey" && kind !== "oauthToken") return null;
  return { kind, value: value["value"] };
}
