import type { AgentSlug, Instant, SessionId } from "../ids.ts";
import type { Incoming, Mark } from "../ports/agent-word.ts";
import type { Logger } from "../ports/logger.ts";
import type { Mailbox } from "../ports/mailbox.ts";
import type { Clock } from "../ports/clock.ts";
import type { RunPlan } from "../ports/run-plan.ts";
import type { Tracker } from "../ports/tracker.ts";
import type { Started } from "../ports/transport.ts";
import type { SessionCommand } from "../session/command.ts";
import type { AuthoriseEffect, Effect, Success, Verdict } from "../session/effect.ts";
import { spendingOf } from "../session/spending.ts";
import type { RunTrace, Session } from "../session/state.ts";
import { WaybillError } from "../errors.ts";
import type { AgentSpec } from "./agent-spec.ts";
import { extendLease, holdLease } from "./hold-lease.ts";
import { specOf } from "./run-spec.ts";

/** What an effect needs of the world, for one session. */
export interface World {
  readonly owner: string;
  readonly sessionId: SessionId;
  readonly slug: AgentSlug;
  readonly agent: AgentSpec;
  readonly mailbox: Mailbox;
  readonly tracker: Tracker | null;
  readonly logger: Logger;
  readonly clock: Clock;
  /** How often leases are renewed, in milliseconds. */
  readonly renewMs: number;
  /**
   * When this process last knew that it holds the session, by the clock of the mailbox's leases: the
   * instant before it asked the store. Null where it does not hold it.
   */
  readonly heldAt: () => Instant | null;
  /** The session at this instant: what it may cost, and what is recorded of the gateway's books. */
  readonly state: () => Session;
  /** What the host's policy says of an operation. */
  readonly authorise: (effect: AuthoriseEffect, signal: AbortSignal) => Promise<Verdict>;
  /** Waits for a place, then records under which id and protocol the run is requested. */
  readonly admit: (signal: AbortSignal) => Promise<void>;
  /** Records an observation; resolves once it is durable. */
  readonly report: (command: SessionCommand) => Promise<void>;
  /** What was observed and is no fact. */
  readonly notice: (incoming: Exclude<Incoming, { readonly type: "word" }>) => void;
}

/**
 * Carries one effect out. Resolves with its success, with null where its observations said
 * everything, and throws what `failureOf` makes a failure of. It decides nothing.
 */
export async function carryOut(
  world: World,
  effect: Effect,
  signal: AbortSignal,
): Promise<Success | null> {
  const { agent, mailbox } = world;
  switch (effect.type) {
    case "admit":
      await world.admit(signal);
      return null;
    case "start":
      return { effect, value: await start(world, effect.run) };
    case "hold":
      await holdLease(world, effect.run, signal);
      return null;
    case "watch":
      await watch(world, effect.run, signal);
      return null;
    case "attach":
      await attach(world, await planOf(world, effect.run), effect.capUsd);
      return null;
    case "meter":
      await readMeter(world, { follow: true, signal });
      return null;
    case "receive":
      await receive(world, effect.run, effect.after, { follow: true, signal });
      return null;
    case "drain":
      await receive(world, effect.run, effect.after, { follow: false, signal });
      return { effect, value: null };
    case "stop": {
      const plan = await planOf(world, effect.run);
      return { effect, value: await agent.transport.stop(plan, effect.graceMs) };
    }
    case "remove": {
      // Not prepared again: a crash may have come when it was removed and nobody had recorded it.
      const run = mailbox.locate(specOf(world, effect.run));
      if (effect.away === undefined) await agent.transport.remove(run);
      // In this order: what the run had under way is ended, and then it stands in the books.
      await agent.gateway?.detach(run);
      await readMeter(world, { follow: false, signal });
      await mailbox.remove(run);
      return { effect, value: null };
    }
    case "put":
    case "answer":
      await mailbox.put(await planOf(world, effect.run), effect.letter);
      return { effect, value: null };
    case "interrupt":
    case "dismiss":
      await mailbox.put(await planOf(world, effect.run), effect.letter);
      return null;
    case "erase":
      await agent.gateway?.erase({ owner: world.owner, sessionId: world.sessionId });
      await mailbox.erase(world.sessionId);
      return { effect, value: null };
    case "authorise":
      return { effect, value: await world.authorise(effect, signal) };
    case "perform":
      return { effect, value: await trackerOf(world).perform(callOf(world, effect)) };
    case "lookup":
      return { effect, value: await trackerOf(world).lookup(callOf(world, effect)) };
    default:
      return effect satisfies never;
  }
}

/** The lease comes first: no program begins whose lease has ended. */
async function start(world: World, run: RunTrace): Promise<Started> {
  const plan = await attachedPlan(world, run);
  await extendLease(world, run);
  return world.agent.transport.start(plan);
}

async function watch(world: World, run: RunTrace, signal: AbortSignal): Promise<void> {
  const { runId } = run;
  const plan = await planOf(world, run);
  for await (const sighting of world.agent.transport.watch(plan, signal)) {
    if (sighting.type === "running") await world.report({ type: "RunSeen", runId });
    else if (sighting.type === "absent") return world.report({ type: "RunAbsent", runId });
    else return world.report({ type: "RunEnded", runId, exit: sighting.exit });
  }
}

/** Asking for the next batch lets the gateway forget this one, so it is recorded first. */
async function readMeter(
  { owner, sessionId, agent, state, report }: World,
  how: { readonly follow: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const { gateway } = agent;
  if (gateway === undefined) return how.follow ? untilAborted(how.signal) : undefined;
  const options = { after: spendingOf(state()).metered, ...how };
  for await (const readings of gateway.readings({ owner, sessionId }, options)) {
    await report({ type: "Metered", readings });
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Asking for the next batch lets the mailbox forget this one, so it is recorded first. */
async function receive(
  world: World,
  run: RunTrace,
  after: Mark,
  options: { readonly follow: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const plan = await planOf(world, run);
  for await (const batch of world.mailbox.receive(plan, { after, ...options })) {
    const words = batch.filter((incoming) => incoming.type === "word");
    if (words.length > 0) await world.report({ type: "Heard", runId: run.runId, words });
    for (const incoming of batch) if (incoming.type !== "word") world.notice(incoming);
  }
}

async function planOf(world: World, run: RunTrace): Promise<RunPlan> {
  return world.mailbox.prepare(specOf(world, run));
}

async function attachedPlan(world: World, run: RunTrace): Promise<RunPlan> {
  const plan = await planOf(world, run);
  return attach(world, plan, spendingOf(world.state()).terms.capUsd);
}

async function attach(world: World, plan: RunPlan, capUsd: number | null): Promise<RunPlan> {
  const { terms } = spendingOf(world.state());
  const attachment = await world.agent.gateway?.attach(plan, { ...terms, capUsd });
  if (attachment === undefined) return plan;
  return {
    ...plan,
    folders: [...plan.folders, ...attachment.folders],
    env: { ...plan.env, ...attachment.env },
  };
}

function callOf(
  { slug, agent }: World,
  effect: Extract<Effect, { readonly type: "perform" | "lookup" }>,
): Parameters<Tracker["perform"]>[0] {
  const { operationId: key, operation } = effect;
  return { key, operation, by: { slug, name: agent.name } };
}

function trackerOf({ tracker }: World): Tracker {
  if (tracker !== null) return tracker;
  throw new WaybillError(
    "TRACKER_MISSING",
    "No Tracker is configured, so nothing can be done at a board. Pass `tracker` to createOrchestrator.",
  );
}
