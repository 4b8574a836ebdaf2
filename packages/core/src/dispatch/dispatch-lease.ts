import { WaybillError, failureOf } from "../errors.ts";
import type { Instant } from "../ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore, Lease } from "../ports/event-store.ts";
import type { Logger } from "../ports/logger.ts";
import { pause } from "../runtime/ticker.ts";

/** What the right to dispatch is kept with. */
export interface DispatchLeaseParts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where the decisions are recorded: whoever has the lease may append there. */
  readonly stream: string;
  /** How often it is renewed, and asked for while another has it, in milliseconds. */
  readonly renewMs: number;
}

/** The right to dispatch on a store: one process has it at a time. */
export interface DispatchLease {
  readonly stream: string;
  readonly epoch: number;
  /** Aborts with `DISPATCH_OWNED` once another is known to have it. */
  readonly lost: AbortSignal;
  /** Whether the store took it away although it was renewed just now: a store that knows no leases. */
  readonly takenByForce: boolean;
  /** Asks the store, right before an act. Throws `DISPATCH_OWNED` where another has it. */
  confirm(): Promise<void>;
  /** Says that an append was refused: another has it. Gives the error to throw. */
  fenced(): WaybillError;
  /** Renews no more and lets go, so that another has it at once. To be called when nothing acts any more. */
  release(): Promise<void>;
}

/**
 * Waits until no other process has it, and keeps it alive from then on; null where the signal aborts
 * first. Without `standBy` it throws `DISPATCH_OWNED` instead of waiting.
 */
export async function dispatchLease(
  parts: DispatchLeaseParts & { readonly standBy: boolean; readonly signal: AbortSignal },
): Promise<DispatchLease | null> {
  const { store, clock, logger, stream, renewMs, standBy, signal } = parts;
  const owner = `${process.pid}-${crypto.randomUUID()}`;
  let told = false;
  while (!signal.aborted) {
    const asked = clock.now();
    const lease = await claimed(store, stream, owner, logger);
    if (lease !== null) return heldLease(lease, asked, parts);
    if (!standBy) throw owned();
    if (!told) logger.info("Another process dispatches on this store: this one stands by.");
    told = true;
    await pause(clock, renewMs, signal);
  }
  return null;
}

async function claimed(
  store: EventStore,
  stream: string,
  owner: string,
  logger: Logger,
): Promise<Lease | null> {
  try {
    const [lease] = await store.claim([stream], owner);
    return lease ?? null;
  } catch (error) {
    const { class: failureClass, code } = failureOf(error);
    if (failureClass === "permanent") throw error;
    logger.warn("The store could not be asked who dispatches; it is asked again.", { code });
    return null;
  }
}

function heldLease(lease: Lease, asked: Instant, parts: DispatchLeaseParts): DispatchLease {
  const { store, clock, logger, renewMs } = parts;
  const lost = new AbortController();
  let keptAt = asked;
  let takenByForce = false;
  let over = false;
  let cancel = (): void => {};
  let round: Promise<unknown> = Promise.resolve();

  const fenced = (): WaybillError => {
    if (!lost.signal.aborted) {
      takenByForce = clock.now() - keptAt <= renewMs;
      lost.abort(owned());
    }
    return owned();
  };
  const confirm = async (): Promise<void> => {
    if (lost.signal.aborted) throw owned();
    const at = clock.now();
    const kept = await store.renew([lease]);
    if (!kept.some(({ epoch }) => epoch === lease.epoch)) throw fenced();
    keptAt = at;
  };
  const schedule = (): void => {
    if (over || lost.signal.aborted) return;
    cancel = clock.after(renewMs, () => {
      // A failure changes nothing: the lease holds for some rounds, and the fence sees to the rest.
      round = confirm()
        .catch((error: unknown) => {
          logger.warn("The right to dispatch was not renewed.", { code: failureOf(error).code });
        })
        .finally(schedule);
    });
  };
  schedule();

  return {
    stream: lease.name,
    epoch: lease.epoch,
    lost: lost.signal,
    get takenByForce() {
      return takenByForce;
    },
    confirm,
    fenced,
    async release() {
      over = true;
      cancel();
      await round;
      if (lost.signal.aborted) return;
      await store.release([lease]).catch((error: unknown) => {
        // It ends by itself.
        logger.warn("The right to dispatch was not let go.", { code: failureOf(error).code });
      });
    },
  };
}

function owned(): WaybillError {
  return new WaybillError(
    "DISPATCH_OWNED",
    "Another process dispatches on this store. Let one of them do it, or let this one stand by (`standBy`) on a store with leases.",
    { class: "transient" },
  );
}
