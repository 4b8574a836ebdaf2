import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** Keeps a conversation's total right over runs that were killed. */
export interface CostLedger {
  /** The conversation's total in US dollars, after the SDK reported this total of its own. */
  record(sdkTotalUsd: number): number;
}

/** What a ledger begins with. */
export interface CostLedgerOptions {
  readonly folder: string;
  readonly conversation: string;
  /** False where the conversation begins, also anew: then nothing was spent on it yet. */
  readonly goesOn: boolean;
  /** The total that the SDK counts on from: it saves one only when a run ends in order. */
  readonly sdkStartUsd: number;
}

/**
 * The SDK's total goes on after a run that ended in order and falls back after one that was killed
 * (measured). This ledger is written after each turn, and counts on from what it says.
 */
export function costLedger(options: CostLedgerOptions): CostLedger {
  const { folder, conversation, goesOn, sdkStartUsd } = options;
  const file = join(folder, `${conversation}.json`);
  const base = goesOn ? Math.max(saved(file), sdkStartUsd) : 0;
  return {
    record(sdkTotalUsd) {
      const total = base + Math.max(0, sdkTotalUsd - sdkStartUsd);
      writeFileSync(`${file}.tmp`, JSON.stringify({ costUsd: total }));
      renameSync(`${file}.tmp`, file);
      return total;
    },
  };
}

function saved(file: string): number {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return z.object({ costUsd: z.number().nonnegative() }).parse(value).costUsd;
  } catch {
    return 0; // None yet, or torn by a crash: the SDK's own figure remains.
  }
}
