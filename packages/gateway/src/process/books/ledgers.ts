import { existsSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { MeterReading } from "@waybill/core";
import { ledgerFile } from "../../way-spec.ts";
import type { LedgerOwner } from "../../way-spec.ts";
import { isSettled, readLedger } from "./ledger-lines.ts";
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
  /** Removes it, whatever it holds. */
  erase(session: LedgerOwner): void;
  /** Removes it where nobody has it open and it holds nothing that somebody needs. */
  forget(session: LedgerOwner): void;
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
      const opened = new Ledger(file, session);
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
      const left = readClosed(file, session, after);
      if (left.length === 0 && waitMs > 0) await delay(waitMs);
      return left;
    },
    erase(session) {
      const file = ledgerFile(root, session);
      ledgers.get(file)?.erase();
      ledgers.delete(file);
      for (const each of [file, `${file}.tmp`]) rmSync(each, { force: true });
    },
    forget(session) {
      const file = ledgerFile(root, session);
      if (ledgers.has(file) || !existsSync(file)) return;
      const known = readLedger(readFileSync(file, "utf8"));
      if (known !== null && isSettled(known)) rmSync(file, { force: true });
    },
    closeAll() {
      for (const ledger of ledgers.values()) ledger.close();
    },
  };
}

/** All in one go: whoever attaches the session meanwhile must not find the file in two hands. */
function readClosed(
  file: string,
  session: LedgerOwner,
  after: Readonly<Record<string, number>>,
): readonly MeterReading[] {
  if (!existsSync(file)) return [];
  const ledger = new Ledger(file, session);
  const readings = ledger.take(after[ledger.id] ?? 0);
  ledger.close();
  return readings;
}
