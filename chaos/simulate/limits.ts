import {
  foldEvents,
  unopened,
  type AgentSlug,
  type Instant,
  type Limits,
  type Recorded,
  type Session,
  type SessionEvent,
  type SessionId,
} from "@waybill/core";
import type { FakeWorld } from "@waybill/core/testing";
import type { Porter } from "./porter.ts";

type Stored = Recorded<SessionEvent> & { readonly stream: SessionId; readonly version: number };

/**
 * At each request for a run, its owner had a place for it: of the runs that live in the sessions that
 * it owns, those that it asked for itself, and those that it had adopted by the time when it handed
 * the place out, are together no more than its limit; nor are those of the agent. Only runs that came
 * to it later may be above.
 */
export async function checkLimits(
  world: FakeWorld,
  limits: Limits,
  porters: readonly Porter[],
  problems: string[],
): Promise<void> {
  const states = new Map<SessionId, Session>();
  const owned = new Map<SessionId, Stored>();
  const used = new Set<Porter["places"][number]>();
  for await (const page of world.store.readAll()) {
    for (const event of page.map((stored) => stored as unknown as Stored)) {
      const { stream } = event;
      if (stream.startsWith("$")) continue;
      const state = foldEvents(states.get(stream) ?? unopened(stream), [event]);
      states.set(stream, state);
      if (event.type === "SessionOwned") owned.set(stream, event);
      if (event.type === "RunRequested") letIn(state);
    }
  }

  function letIn({ id, owner, agent: { slug } }: Session): void {
    const porter = porters.find(({ name }) => name !== null && owner?.name.endsWith(name) === true);
    // The earliest that may be meant: a place that came to nothing makes the check no stricter.
    const place = porter?.places.find((each) => each.session === id && !used.has(each));
    if (porter === undefined || place === undefined) {
      problems.push(`${id} has a run for which ${owner?.name ?? "nobody"} had no place`);
      return;
    }
    used.add(place);
    const living = [...states.values()].filter((state) => counts(state, porter, place.at));
    const ofAgent = living.filter((state) => state.agent.slug === slug);
    tooMany(id, living.length, limits.runs ?? Infinity);
    tooMany(`${id} of ${slug}`, ofAgent.length, limitOf(slug));
  }

  function limitOf(slug: AgentSlug): number {
    return limits.runsPerAgent?.[slug] ?? Infinity;
  }

  function counts({ id, run, owner }: Session, porter: Porter, at: Instant): boolean {
    const isOwner = porter.name !== null && owner?.name.endsWith(porter.name) === true;
    const event = owned.get(id);
    if (run === null || !isOwner || event === undefined) return false;
    return run.trace.epoch === owner.epoch || porter.knewAt(event) < at;
  }

  function tooMany(who: string, runs: number, limit: number): void {
    if (runs > limit) problems.push(`${who} is the ${runs}th run where ${limit} may live`);
  }
}
