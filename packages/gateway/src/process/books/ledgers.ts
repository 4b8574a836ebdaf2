import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { MeterReading } from "@waybill/core";
import { ledgerFile } from "../../way-spec.ts";
import type { LedgerOwner } from "../../way-spec.ts";
import { Ledger } from "./ledger.ts";

/** The ledgers of a root: one for each session, shared by its runs. */
export interface Ledgers {
  /** The session's ledger, opened where it is not. */
  open(session: LedgerOwner): Ledger;
  /** Closes it; it is opened again when it is asked for. */
  close(session: LedgerOwner): void;
  /** See `Ledger.readings`; also of a session that has no way at present. */
  readings(
    session: LedgerOwner,
    after: Readonly<Record<string, number>>,
    waitMs: number,
  ): Promise<readonly MeterReading[]>;
  closeAll(): void;
}

/** Keeps the ledgers below this root. */
export function openLedgers(root: string): Ledgers {
  const ledgers = new Map<string, Ledger>();
  return {
    open(session) {
      const file = ledgerFile(root, session);
      const known = ledgers.get(file);
      if (known !== undefined) return known;
      const opened = new Ledger(file);
      ledgers.set(file, opened);
      return opened;
    },
    close(session) {
      const file = ledgerFile(root, session);
      ledgers.get(file)?.close();
      ledgers.delete(file);
    },
    async readings(session, after, waitMs) {
      const file = ledgerFile(root, session);
      const open = ledgers.get(file);
      if (open !== undefined) return open.readings(after[open.id] ?? 0, waitMs);
      const left = readClosed(file, after);
      if (left.length === 0 && waitMs > 0) await delay(waitMs);
      return left;
    },
    closeAll() {
      for (const ledger of ledgers.values()) ledger.close();
    },
  };
}

/** All in one go: whoever attaches the session meanwhile must not find the file in two hands. */
function readClosed(
  file: string,
  after: Readonly<Record<string, number>>,
): readonly MeterReading[] {
  if (!existsSync(file)) return [];
  const ledger = new Ledger(file);
  const readings = ledger.take(after[ledger.id] ?? 0);
  ledger.close();
  return readings;
}
