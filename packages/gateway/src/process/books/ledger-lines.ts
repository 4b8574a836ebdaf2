import type { MeterReading } from "@waybill/core";
import type { LedgerOwner } from "../../way-spec.ts";
import { isCount, isRecord, isText } from "../shapes.ts";

/** What a session has spent. */
export interface Spent {
  readonly tokens: number;
  readonly usd: number;
  readonly bytes: number;
}

/** A request that is with the model, and what it costs should nobody ever hear of it again. */
export interface Begun {
  readonly n: number;
  readonly runId: string;
  readonly at: number;
  readonly model: string | null;
  readonly tokens: number;
  readonly usd: number | null;
}

/** One line of a session's ledger. */
export type LedgerLine =
  /** The first line: everything before it in short. */
  | {
      readonly type: "ledger";
      readonly v: 1;
      readonly id: string;
      readonly seq: number;
      readonly spent: Spent;
      /** Input tokens per byte of a request, as the last answered one had them. */
      readonly density: number;
      /** Whose it is; the ledgers of older versions do not say so. */
      readonly of?: LedgerOwner;
      /** A cap on bytes rests on these books, and nothing else knows how many there were. */
      readonly holdsBytes?: boolean;
    }
  | ({ readonly type: "begun" } & Begun)
  /** A request is over; without a reading it cost no tokens. */
  | {
      readonly type: "ended";
      readonly n: number | null;
      readonly bytes: number;
      readonly reading: MeterReading | null;
    }
  /** The host knows of more than these books. */
  | { readonly type: "raised"; readonly tokens: number; readonly usd: number }
  | { readonly type: "refused"; readonly reading: MeterReading }
  /** From before the first line, kept for the host. */
  | { readonly type: "kept"; readonly reading: MeterReading };

/** What the lines of a ledger come to. */
export interface ReadLedger {
  id: string;
  seq: number;
  spent: { tokens: number; usd: number; bytes: number };
  density: number;
  of: LedgerOwner | null;
  holdsBytes: boolean;
  readonly readings: MeterReading[];
  readonly begun: Map<number, Begun>;
  /** Lines that say nothing: torn by a crash, or not ours. */
  unreadable: number;
}

/** Reads a ledger; null where its first line is missing or is not one. */
export function readLedger(text: string): ReadLedger | null {
  const [first = "", ...rest] = text.split("\n");
  const head = parse(first);
  if (head?.["type"] !== "ledger" || !isText(head["id"])) return null;
  const { tokens, usd, bytes } = isRecord(head["spent"]) ? head["spent"] : {};
  const ledger: ReadLedger = {
    id: head["id"],
    seq: numberOf(head["seq"]),
    spent: { tokens: numberOf(tokens), usd: numberOf(usd), bytes: numberOf(bytes) },
    density: numberOf(head["density"]),
    of: ownerOf(head["of"]),
    holdsBytes: head["holdsBytes"] === true,
    readings: [],
    begun: new Map(),
    unreadable: 0,
  };
  for (const line of rest) if (line !== "" && !take(ledger, parse(line))) ledger.unreadable += 1;
  return ledger;
}

function take(ledger: ReadLedger, line: Record<string, unknown> | null): boolean {
  switch (line?.["type"]) {
    case "begun": {
      if (!isCount(line["n"])) return false;
      // Our own words, written a moment ago: their shape is known where their type and number are.
      ledger.begun.set(line["n"], line as unknown as Begun);
      return true;
    }
    case "ended":
      if (isCount(line["n"])) ledger.begun.delete(line["n"]);
      ledger.spent.bytes += numberOf(line["bytes"]);
      return line["reading"] === null || takeReading(ledger, line["reading"], true);
    case "raised":
      ledger.spent.tokens += numberOf(line["tokens"]);
      ledger.spent.usd += numberOf(line["usd"]);
      return true;
    case "refused":
    case "kept":
      return takeReading(ledger, line["reading"], false);
    default:
      return false;
  }
}

function takeReading(ledger: ReadLedger, value: unknown, costs: boolean): boolean {
  if (!isRecord(value) || !isRecord(value["mark"]) || !isCount(value["mark"]["seq"])) return false;
  const reading = value as unknown as MeterReading;
  // What a compaction kept is summed up in the first line already.
  const isNew = reading.mark.seq > ledger.seq;
  ledger.readings.push(reading);
  if (!isNew) return true;
  ledger.seq = reading.mark.seq;
  if (costs && reading.type === "usage") {
    ledger.spent.tokens += tokensOfReading(reading);
    ledger.spent.usd += reading.costUsd ?? 0;
  }
  return true;
}

/** Whether all that stands in it, the host's log has as well. */
export function isSettled({ readings, begun, holdsBytes }: ReadLedger): boolean {
  return readings.length + begun.size === 0 && !holdsBytes;
}

/** Tokens of all kinds. */
export function tokensOfReading(reading: Extract<MeterReading, { type: "usage" }>): number {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = reading;
  return inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
}

function ownerOf(value: unknown): LedgerOwner | null {
  if (!isRecord(value)) return null;
  const { owner, sessionId } = value;
  return isText(owner) && isText(sessionId) ? { owner, sessionId } : null;
}

function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null; // Counted by the caller as unreadable.
  }
}
