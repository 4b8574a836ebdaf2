import { failureOf, isWaybillError, type Failure } from "../errors.ts";
import type { Instant } from "../ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Orchestrator } from "../runtime/orchestrator.ts";
import { pause } from "../runtime/ticker.ts";
import { backOff } from "../session/back-off.ts";
import type { DispatchLease } from "./dispatch-lease.ts";
import type { DispatchLog } from "./dispatch-log.ts";
import type { PendingCommand } from "./dispatch-state.ts";
import type { WholeRules } from "./rules.ts";

/** What carrying out needs. */
export interface CarryOutParts {
  readonly orchestrator: Orchestrator;
  readonly log: DispatchLog;
  /** Without it nothing is done. */
  readonly lease: DispatchLease;
  readonly rules: WholeRules;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when something can never be recorded any more. */
  readonly failed: (error: unknown) => void;
}

/** Carries out what is pending. */
export interface CarryOut {
  /** Looks what is pending now: starts what is new, cancels what is moot. */
  look(): void;
  /** Starts nothing more; resolves once nothing is in hand. */
  stop(): Promise<void>;
  /** Resolves when a command was finished, or at once where nothing is in hand. */
  settled(): Promise<void>;
}

/** The waits of commands that do not succeed. */
const waits = { retryMs: 500, retryCapMs: 60_000 };

/** Does what is pending, one command at a time for each session, in the order of the decisions. */
export function carryOutDispatch(parts: CarryOutParts): CarryOut {
  const { log, clock } = parts;
  const flights = new Map<string, { readonly key: string; readonly stop: AbortController }>();
  let bell = Promise.withResolvers<void>();
  let stopped = false;

  const fly = async (pending: PendingCommand, signal: AbortSignal): Promise<void> => {
    const { event, index, command } = pending;
    if (command.type === "prompt") await until(command.at, clock, signal);
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      const failure = await attemptAt(pending, parts);
      if (failure === null)
        return void (await log.record({ type: "Dispatched", data: { event, index } }));
      const giveUp = clock.now() - pending.decidedAt > parts.rules.giveUpMs;
      if (isFinal(failure) || giveUp) {
        parts.logger.warn("A dispatch was given up.", { event, code: failure.code });
        await log.record({ type: "DispatchFailed", data: { event, index, failure } });
        return;
      }
      const wait = Math.max(backOff(waits, attempt, pending.key), failure.retryAfterMs ?? 0);
      await until(clock.now() + wait, clock, signal);
    }
  };

  const look = (): void => {
    for (const flight of flights.values()) {
      if (stopped || !log.state.pending.has(flight.key)) flight.stop.abort();
    }
    if (stopped) return;
    for (const pending of log.state.pending.values()) {
      const { session } = pending.command;
      // One at a time for each session; the first in the order of the decisions.
      if (flights.has(session)) continue;
      const flight = { key: pending.key, stop: new AbortController() };
      flights.set(session, flight);
      void fly(pending, flight.stop.signal)
        .catch((error: unknown) => parts.failed(error))
        .finally(() => {
          flights.delete(session);
          bell.resolve();
          bell = Promise.withResolvers();
          look();
        });
    }
  };

  const settled = (): Promise<void> => (flights.size === 0 ? Promise.resolve() : bell.promise);

  return {
    look,
    settled,
    async stop() {
      stopped = true;
      look();
      while (flights.size > 0) await bell.promise;
    },
  };
}

/** Null where it was done. */
async function attemptAt(
  { key, event, command }: PendingCommand,
  { orchestrator, lease, rules }: CarryOutParts,
): Promise<Failure | null> {
  // The event's id is the key; the number tells apart what one event says to several agents.
  const idempotencyKey = `tracker-event:${key === `${event}#0` ? event : key}`;
  try {
    // Whoever was paused must not end today what was to be ended then.
    await lease.confirm();
    if (command.type === "end") {
      const session = orchestrator.session(command.session);
      // Who hands its own task on may finish what it is saying.
      if (command.how === "stop") await session.interrupt();
      // An aborted wait: the request is durable then, and the end comes by itself.
      const options = { idempotencyKey, signal: AbortSignal.abort() };
      await (command.how === "stop" ? session.stop(options) : session.close(options));
      return null;
    }
    const { agent, session: id, scope, text, from } = command;
    const { policy, priority } = rules.agents[agent] ?? {};
    const session = await orchestrator.open({
      id,
      agent,
      scope,
      ...(rules.tenant === null ? {} : { tenant: rules.tenant }),
      ...(policy === undefined ? {} : { policy }),
      ...(priority === undefined ? {} : { priority }),
    });
    await session.send(text, {
      idempotencyKey,
      ...(from === null ? {} : { from }),
    });
    return null;
  } catch (error) {
    // Nothing is left to end.
    if (command.type === "end" && isWaybillError(error) && error.code === "SESSION_NOT_FOUND") {
      return null;
    }
    return failureOf(error);
  }
}

/** A session that is closing takes prompts again once it has ended. */
function isFinal({ class: failureClass, code }: Failure): boolean {
  const passing = ["SESSION_CLOSING", "SESSION_ENDED", "DETACHED"];
  return failureClass === "permanent" && !passing.includes(code);
}

function until(at: Instant, clock: Clock, signal: AbortSignal): Promise<void> {
  if (at <= clock.now() || signal.aborted) return Promise.resolve();
  return pause(clock, at - clock.now(), signal);
}
