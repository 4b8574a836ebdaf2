import type { MeterMarks } from "@waybill/core";
import type { ControlCall, Credential, KnownSpending, PlacedCredential } from "../control-words.ts";
import { readWaySpec } from "./read-way-spec.ts";
import { isAmount, isCount, isRecord, isText } from "./shapes.ts";

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
      const credentials = readCredentials(value["credentials"]);
      const spent = readSpent(value["spent"]);
      if (way === null || credentials === null || spent === null) return null;
      return { call: "attach", way, credentials, spent };
    }
    case "credential": {
      const placed = readPlaced(value);
      return placed === null ? null : { call: "credential", ...placed };
    }
    case "readings": {
      const { owner, sessionId, waitMs } = value;
      const after = readMarks(value["after"]);
      if (!isText(owner) || !isText(sessionId) || !isCount(waitMs) || after === null) return null;
      return { call: "readings", owner, sessionId, after, waitMs };
    }
    case "erase":
    case "forget": {
      const { call, owner, sessionId } = value;
      return isText(owner) && isText(sessionId) ? { call, owner, sessionId } : null;
    }
    case "detach": {
      const { sessionId, runId } = value;
      return isText(sessionId) && isText(runId) ? { call: "detach", sessionId, runId } : null;
    }
    default:
      return null;
  }
}

function readCredentials(value: unknown): readonly PlacedCredential[] | null {
  if (!Array.isArray(value)) return null;
  const placed = value.map(readPlaced);
  return placed.every((each) => each !== null) ? placed : null;
}

function readPlaced(value: unknown): PlacedCredential | null {
  if (!isRecord(value)) return null;
  const { keyring, name, upstream } = value;
  const credential = readCredential(value["credential"]);
  if (!isText(keyring) || !isText(upstream) || !(name === null || isText(name))) return null;
  return credential === null ? null : { keyring, name, upstream, credential };
}

function readCredential(value: unknown): Credential | null {
  if (!isRecord(value) || !isText(value["value"])) return null;
  const { kind } = value;
  if (kind !== "apiKey" && kind !== "oauthToken" && kind !== "authorization") return null;
  return { kind, value: value["value"] };
}

function readSpent(value: unknown): KnownSpending | null {
  if (!isRecord(value)) return null;
  const { tokens, usd } = value;
  return isAmount(tokens) && isAmount(usd) ? { tokens, usd } : null;
}

function readMarks(value: unknown): MeterMarks | null {
  if (!isRecord(value)) return null;
  const marks: Record<string, number> = {};
  for (const [ledger, seq] of Object.entries(value)) {
    if (!isCount(seq)) return null;
    marks[ledger] = seq;
  }
  return marks;
}
