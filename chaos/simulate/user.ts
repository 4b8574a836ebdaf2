import { isWaybillError, type Clock, type Orchestrator, type SessionHandle } from "@waybill/core";
import type { Part } from "./plot.ts";

/** How long a person waits before the next look, in milliseconds. */
const patienceMs = 60_000;

/**
 * A user's program for one session: from the top after every crash, since each of its steps may be
 * repeated. Whatever fails is tried again.
 */
export async function use(orchestrator: Orchestrator, part: Part, clock: Clock): Promise<void> {
  const { session: id, agent, priority, policy } = part;
  const scope = { chats: part.scope, tasks: part.scope };
  const open = (): Promise<SessionHandle> =>
    orchestrator.open({ id, agent, priority, scope, policy });

  const half =
    part.ending === "reopen" ? Math.ceil(part.messages.length / 2) : part.messages.length;
  let session = await insist(open, clock);
  for (const [index, { key, text }] of part.messages.entries()) {
    if (index === half) {
      await insist(() => session.close(), clock);
      session = await insist(open, clock);
    }
    if (part.ending === "stop" && index === part.messages.length - 1) {
      await insist(() => session.send(text, { idempotencyKey: key }), clock);
      await pause(clock, 3_000);
      return insist(() => session.stop(), clock);
    }
    await insist(() => session.ask(text, { idempotencyKey: key }), clock);
  }
  await insist(() => session.close(), clock);
}

/** Somebody who looks after the sessions: allows and refuses, pays, and mends. */
export async function lookAfter(
  orchestrator: Orchestrator,
  parts: readonly Part[],
  clock: Clock,
): Promise<never> {
  for (;;) {
    await pause(clock, patienceMs);
    for (const { session: id } of parts) {
      await lookAt(orchestrator.session(id)).catch((error: unknown) => {
        if (!isWaybillError(error)) throw error; // what the store or a rule refused is tried next time
      });
    }
  }
}

async function lookAt(session: SessionHandle): Promise<void> {
  const { approvals, parked, budget, totals, deadLetters, life } = await session.state();
  if (life.type === "unopened" || life.type === "ended") return;
  if (parked !== null) await session.unpark();
  if (budget.exceeded) await session.raiseBudget(totals.costUsd + 5);
  for (const { operation } of approvals.values()) {
    // Decided by what is asked for, so that two who look after it decide the same.
    if (operation.seq % 3 === 0) await session.deny(operation.id);
    else await session.grant(operation.id);
  }
  for (const id of deadLetters.keys()) await session.redrive(id);
}

/** Tries until it succeeds, or until there is nothing more to wait for. */
export async function insist<Value>(attempt: () => Promise<Value>, clock: Clock): Promise<Value> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isWaybillError(error)) throw error;
      if (error.code === "DETACHED") return pause(clock, Infinity);
      if (error.code === "MESSAGE_DISCARDED") return undefined as Value;
      await pause(clock, patienceMs);
    }
  }
}

function pause(clock: Clock, ms: number): Promise<never> {
  const { promise, resolve } = Promise.withResolvers<never>();
  if (ms < Infinity) clock.after(ms, () => resolve(undefined as never));
  return promise;
}
