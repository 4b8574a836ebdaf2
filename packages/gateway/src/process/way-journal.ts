import type { WaySpec } from "../way-spec.ts";
import type { AuditLine, AuditLog } from "./audit-log.ts";
import { auditLine } from "./flight.ts";
import type { Ledger } from "./books/ledger.ts";
import type { Flight } from "./flight.ts";

/** Refusals of one run that get a line of their own, in any one minute. */
const REFUSALS_A_MINUTE = 120;

/** Puts the requests of one run on record. */
export interface WayJournal {
  write(flight: Flight): void;
  /** Records what was only counted. */
  close(): void;
}

/**
 * Records flights. What reaches the upstream is always recorded; of refusals, which cost a hostile
 * run nothing, only so many a minute, and the rest as a number: a run must not fill the host's disk.
 */
export function wayJournal(way: WaySpec, audit: AuditLog, ledger: Ledger): WayJournal {
  let minute = 0;
  let refusals = 0;
  let suppressed: AuditLine | null = null;
  let count = 0;

  const settle = (): void => {
    if (suppressed !== null) audit.record({ ...suppressed, suppressed: count });
    suppressed = null;
    count = 0;
  };
  return {
    write(flight) {
      const line = auditLine(way, flight);
      if (line.outcome !== "refused") return audit.record(line);
      ledger.refuse(way.runId, line.reason ?? "unknown", line.model);
      const now = Math.floor(Date.now() / 60_000);
      if (now !== minute) {
        settle();
        minute = now;
        refusals = 0;
      }
      refusals += 1;
      if (refusals <= REFUSALS_A_MINUTE) return audit.record(line);
      suppressed = line;
      count += 1;
    },
    close: settle,
  };
}
