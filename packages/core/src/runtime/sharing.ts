import type { Mailbox } from "../ports/mailbox.ts";
import { leasesMissing } from "./hold-lease.ts";
import type { Sharing } from "./orchestrator.ts";

/** How often leases are renewed, in milliseconds. */
export function renewMsOf(sharing: Sharing | undefined): number {
  return sharing?.renewMs ?? 10_000;
}

/** Throws where the leases of runs cannot be kept as asked. */
export function checkSharing(sharing: Sharing | undefined, mailbox: Mailbox): void {
  const { runLeaseMs } = sharing ?? {};
  if (runLeaseMs === undefined) return;
  const least = 4 * renewMsOf(sharing);
  if (!(runLeaseMs >= least) || !Number.isSafeInteger(runLeaseMs)) {
    throw new TypeError(
      `sharing.runLeaseMs is ${runLeaseMs}: it must be a whole number of milliseconds, four times renewMs (${least}) or more, so that a missed round ends no run.`,
    );
  }
  if (mailbox.leases === undefined) throw leasesMissing();
}
