import { existsSync } from "node:fs";
import type { MeterOptions, MeterReading } from "@waybill/core";
import type { KeptLink } from "./keep-link.ts";
import { ledgerFile } from "./way-spec.ts";
import type { LedgerOwner } from "./way-spec.ts";

/** How long the process is asked to wait for the next reading, in milliseconds. */
const WAIT_MS = 5_000;

/** Whose readings, and how. */
export interface ReadMeterOptions extends MeterOptions {
  readonly root: string;
  readonly link: KeptLink;
  readonly session: LedgerOwner;
}

/** Hands over a session's readings from the process's books; see `Gateway.readings`. */
export async function* readMeter(
  options: ReadMeterOptions,
): AsyncGenerator<readonly MeterReading[]> {
  const { root, link, session, follow, signal } = options;
  const { owner, sessionId } = session;
  // A process is not started only to hear that it knows nothing of this session.
  if (!follow && !existsSync(ledgerFile(root, session))) return;
  const marks: Record<string, number> = { ...options.after };
  const waitMs = follow ? WAIT_MS : 0;
  while (!signal.aborted) {
    const call = { call: "readings", owner, sessionId, after: marks, waitMs } as const;
    const { readings = [] } = (await unlessAborted(link.ask(call), signal)) ?? {};
    if (readings.length > 0) {
      yield readings;
      for (const { mark } of readings) marks[mark.ledger] = mark.seq;
    } else if (!follow) {
      return;
    }
  }
}

/** Null once it is aborted; what is still asked then is nobody's any more. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const { promise: aborted, resolve } = Promise.withResolvers<null>();
  const abort = (): void => resolve(null);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
    work.catch(() => undefined);
  }
}
