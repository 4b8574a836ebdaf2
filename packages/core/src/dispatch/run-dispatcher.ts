import { WaybillError, isWaybillError } from "../errors.ts";
import type { Instant } from "../ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore } from "../ports/event-store.ts";
import { silentLogger, type Logger } from "../ports/logger.ts";
import type { TellingTracker, Tracker } from "../ports/tracker.ts";
import type { TrackerEvent } from "../ports/tracker-event.ts";
import type { Orchestrator } from "../runtime/orchestrator.ts";
import { systemClock } from "../runtime/system-clock.ts";
import { carryOutDispatch } from "./carry-out-dispatch.ts";
import { dispatchStreamOf, type DispatchReason, type TrackerEventSeen } from "./dispatch-events.ts";
import { dispatch, type DispatchInput } from "./dispatch.ts";
import { dispatchLease, type DispatchLease } from "./dispatch-lease.ts";
import { openDispatchLog } from "./dispatch-log.ts";
import { wholeRules, type DispatchRules, type WholeRules } from "./rules.ts";

/** What a dispatcher is made of. */
export interface DispatcherOptions {
  /** Runs the sessions. */
  readonly orchestrator: Orchestrator;
  /** The orchestrator's own log, open: decisions are kept there, in the stream `$dispatch`. */
  readonly store: EventStore;
  /** The board; it must have `subscribe`. */
  readonly tracker: Tracker;
  readonly rules: DispatchRules;
  /** Ends it. */
  readonly signal: AbortSignal;
  /**
   * On the very first run: what happened on the board before this instant is left alone. Default:
   * the instant of the call. What happens while no dispatcher runs is caught up with later.
   */
  readonly ignoreBefore?: Instant;
  /** Wait while another process dispatches on this store, instead of throwing. Default: true. */
  readonly standBy?: boolean;
  /**
   * How often the right to dispatch is renewed, and asked for while another has it, in milliseconds:
   * at most a third of the store's lease. Default: 10,000.
   */
  readonly renewMs?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: silent. */
  readonly logger?: Logger;
}

/** So many commands may wait before the board is read on. */
const mostPending = 1000;

/**
 * Turns what happens on the board into sessions and prompts, until the signal aborts. Each event is
 * decided once, recorded, then carried out; after a crash it goes on where it was. One process at a
 * time does it for a store; others stand by and take over once it stops, or its lease ends. Throws
 * `TEMPLATE_INVALID` and `DISPATCH_RULES_INVALID` at once, `DISPATCH_OWNED` where it may not stand
 * by or the store knows no leases, and what `subscribe` throws.
 */
export async function runDispatcher(options: DispatcherOptions): Promise<void> {
  const { store, tracker, signal } = options;
  const { clock = systemClock(), logger = silentLogger, standBy = true } = options;
  // What happens from the call on is dealt with, however long the lease takes.
  const { renewMs = 10_000, ignoreBefore = clock.now() } = options;
  const rules = wholeRules(options.rules);
  const stream = dispatchStreamOf(rules.tenant);
  if (tracker.subscribe === undefined) throw cannotTell();
  const subscribe = tracker.subscribe.bind(tracker);
  for (;;) {
    const lease = await dispatchLease({ store, clock, logger, stream, renewMs, standBy, signal });
    if (lease === null) return;
    try {
      return await dispatchUnder(lease, {
        ...options,
        rules,
        subscribe,
        clock,
        logger,
        ignoreBefore,
      });
    } catch (error) {
      if (!lease.lost.aborted || lease.takenByForce || !standBy) throw error;
      logger.warn("Another process has taken dispatch over: this one stands by.");
    } finally {
      await lease.release();
    }
  }
}

/** What dispatching needs, whole. */
interface DispatchParts extends Required<Pick<DispatcherOptions, "clock" | "logger">> {
  readonly orchestrator: Orchestrator;
  readonly store: EventStore;
  readonly subscribe: TellingTracker["subscribe"];
  readonly rules: WholeRules;
  readonly signal: AbortSignal;
  readonly ignoreBefore: Instant;
}

async function dispatchUnder(lease: DispatchLease, parts: DispatchParts): Promise<void> {
  const { orchestrator, store, subscribe, rules, clock, logger } = parts;
  const log = await openDispatchLog(store, clock, lease);
  const broken = new AbortController();
  const signal = AbortSignal.any([parts.signal, lease.lost, broken.signal]);
  const failed = (error: unknown): void => broken.abort(error);
  const work = carryOutDispatch({ orchestrator, log, lease, rules, clock, logger, failed });
  try {
    if (log.state.ignoreBefore === null) {
      const { ignoreBefore } = parts;
      await log.record({ type: "DispatchBegan", data: { ignoreBefore } });
    }
    work.look();
    for await (const event of subscribe({ after: log.state.cursor, signal })) {
      const input = { event, now: clock.now(), actor: await actorOf(event, parts) };
      const decision = dispatch(input, rules, log.state);
      await log.record({ type: "TrackerEventSeen", data: decision });
      tell(decision, logger);
      work.look();
      while (log.state.pending.size > mostPending && !signal.aborted) await work.settled();
    }
  } finally {
    await work.stop();
  }
  lease.lost.throwIfAborted();
  broken.signal.throwIfAborted();
}

/** An agent that somebody may be waiting for and that is not woken is worth a look. */
const notable: ReadonlySet<DispatchReason> = new Set(["rate_limited", "loop", "rule_failed"]);

function tell({ event, target, reasons }: TrackerEventSeen["data"], logger: Logger): void {
  const facts = { event, target, reasons };
  logger.debug("An event of the board was seen.", facts);
  const isNotable = reasons.some(({ reason }) => notable.has(reason));
  if (isNotable) logger.warn("An agent is not woken.", facts);
}

/** The session that made the call, where it is one of ours: the key of an operation begins with it. */
async function actorOf(
  { cause }: TrackerEvent,
  { orchestrator, rules }: Pick<DispatchParts, "orchestrator" | "rules">,
): Promise<DispatchInput["actor"]> {
  const session = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63})\/[a-z0-9-]{1,40}\/\d+$/.exec(
    cause ?? "",
  )?.[1];
  if (session === undefined) return null;
  try {
    const state = await orchestrator.session(session).state();
    // A session of another tenant's board does nothing on this one, whatever the board says.
    const isOurs = state.life.type !== "unopened" && state.tenant === rules.tenant;
    return isOurs ? { session, agent: state.agent.slug } : null;
  } catch (error) {
    // A session that cannot be read is no reason to leave the board alone: nobody is the actor then.
    if (isWaybillError(error)) return null;
    throw error;
  }
}

function cannotTell(): WaybillError {
  return new WaybillError(
    "TRACKER_EVENTS_UNSUPPORTED",
    "This Tracker tells nothing of what happens on it. Give one with `subscribe`, or make one with tellingByReading.",
  );
}
