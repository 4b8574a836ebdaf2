import { WaybillError } from "../errors.ts";
import type { Instant } from "../ids.ts";
import type {
  Receipt,
  TellingTracker,
  TrackerCall,
  TrackerCapabilities,
} from "../ports/tracker.ts";
import { fakeBoard } from "./fake-tracker/board.ts";
import type { FakeBoard } from "./fake-tracker/board.ts";
import { failureFor } from "./fake-tracker/faults.ts";
import type { FakeTrackerFault } from "./fake-tracker/faults.ts";
import { followBoard } from "./fake-tracker/follow-board.ts";
import { refuseBadIds } from "./fake-tracker/ids.ts";

/** A Tracker in memory. */
export interface FakeTrackerOptions {
  /** A board that others share: what a restarted orchestrator would find. Default: a new one. */
  readonly board?: FakeBoard;
  /** Whether it does a write once per key. Default: true. */
  readonly keys?: boolean;
  /** How long it remembers a key, in milliseconds. Default: null, for ever. */
  readonly keysKeptMs?: number | null;
  /** Chats of a new board. Default: `general`. */
  readonly chats?: readonly string[];
  /** Tasks of a new board, with the status `todo`. Default: `task-1`. */
  readonly tasks?: readonly string[];
  /** Where its time comes from: a manual clock's `now`. Default: `Date.now`. */
  readonly now?: () => Instant;
  /** False: the board refuses the token. Default: true. */
  readonly authorized?: boolean;
  /** Asked for every call that no `failNext` is set for: a simulation's seeded faults. */
  readonly fault?: (call: TrackerCall) => FakeTrackerFault | null;
}

/** A Tracker in memory, with what happened to it. */
export interface FakeTracker extends TellingTracker {
  /** What was really done. */
  readonly board: FakeBoard;
  /** Every call to `perform`, in order, with those that failed. */
  readonly performed: readonly TrackerCall[];
  /** Every call to `lookup`, in order. */
  readonly lookedUp: readonly TrackerCall[];
  /** Makes the next `times` calls to `perform` that `only` picks fail in this way. */
  failNext(
    fault: FakeTrackerFault,
    options?: { readonly times?: number; readonly only?: (call: TrackerCall) => boolean },
  ): void;
  /** Takes away all that `failNext` has set. */
  heal(): void;
}

/**
 * A Tracker in memory, with faults on demand. It passes `trackerContract`, with keys and without.
 * It has no timers: a `silent` fault ends when the call's signal aborts.
 */
export function fakeTracker(options: FakeTrackerOptions = {}): FakeTracker {
  const now = options.now ?? Date.now;
  const board =
    options.board ?? fakeBoard(options.chats ?? ["general"], options.tasks ?? ["task-1"]);
  const capabilities: TrackerCapabilities = {
    idempotencyKeys: options.keys ?? true,
    keysKeptMs: options.keysKeptMs ?? null,
  };
  const performed: TrackerCall[] = [];
  const lookedUp: TrackerCall[] = [];
  let planned: PlannedFault[] = [];
  const closing = new AbortController();
  let closed = false;

  const refuseEarly = (call: TrackerCall | null): void => {
    if (closed) {
      throw new WaybillError("TRACKER_CLOSED", "The fake Tracker was closed: nothing was done.", {
        class: "transient",
      });
    }
    if (call?.signal?.aborted === true) {
      throw new WaybillError("TRACKER_CANCELLED", `The call ${call.key} was cancelled.`, {
        class: "transient",
      });
    }
    if (call !== null) {
      refuseBadIds(call.operation);
    }
    if (options.authorized === false) {
      throw failureFor({ type: "unauthorized" }, call);
    }
  };

  const takeFault = (call: TrackerCall): FakeTrackerFault | null => {
    const next = planned.find(({ only }) => only(call));
    if (next === undefined) {
      return options.fault?.(call) ?? null;
    }
    next.left -= 1;
    planned = planned.filter(({ left }) => left > 0);
    return next.fault;
  };

  const carryOut = (call: TrackerCall): Receipt =>
    board.carryOut(call, now(), capabilities.idempotencyKeys, capabilities.keysKeptMs);

  return {
    board,
    capabilities,
    performed,
    lookedUp,
    failNext: (fault, { times = 1, only = () => true } = {}) => {
      planned.push({ fault, only, left: times });
    },
    heal: () => {
      planned = [];
    },
    check: async () => refuseEarly(null),
    perform: async (call) => {
      performed.push(call);
      refuseEarly(call);
      const fault = takeFault(call);
      if (fault === null) {
        return carryOut(call);
      }
      if ("when" in fault && fault.when === "after") {
        carryOut(call);
      }
      if (fault.type === "silent") {
        await aborted(call.signal);
      }
      throw failureFor(fault, call);
    },
    lookup: async (call) => {
      lookedUp.push(call);
      refuseEarly(call);
      return board.find(call);
    },
    subscribe: ({ after, signal }) => {
      refuseEarly(null);
      return followBoard(board, after, AbortSignal.any([signal, closing.signal]));
    },
    close: async () => {
      closed = true;
      closing.abort();
    },
  };
}

interface PlannedFault {
  readonly fault: FakeTrackerFault;
  readonly only: (call: TrackerCall) => boolean;
  left: number;
}

async function aborted(signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}
