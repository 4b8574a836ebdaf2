import type { AgentSlug, Instant, SessionId } from "../ids.ts";
import type { Clock } from "../ports/clock.ts";

/**
 * How many runs may live at once, in this orchestrator: those of the sessions that it owns. A run that
 * lives already when its session comes here takes a place also above the limit.
 */
export interface Limits {
  /** Of all agents together. Default: no limit. */
  readonly runs?: number;
  /** Of each agent. Default: no limit. */
  readonly runsPerAgent?: Readonly<Record<AgentSlug, number>>;
  /**
   * Waiting this long is worth one more of priority, in milliseconds, so that nobody starves.
   * Default 60 s.
   */
  readonly agingMs?: number;
}

/** A session that has a place. */
export interface Place {
  readonly session: SessionId;
  readonly agent: AgentSlug;
}

/** A session that waits for one. */
export interface WaitingPlace extends Place {
  readonly priority: number;
  readonly since: Instant;
}

/**
 * Which of the waiting sessions get a place now: the highest priority first, raised by waiting, then
 * who came first. Pure. One that waits for its agent's limit holds up nobody else.
 */
export function admit(
  waiting: readonly WaitingPlace[],
  running: readonly Place[],
  limits: Limits,
  now: Instant,
): readonly WaitingPlace[] {
  const aging = limits.agingMs ?? 60_000;
  const rank = ({ priority, since }: WaitingPlace): number => priority + (now - since) / aging;
  const taken: Place[] = [...running];
  const admitted: WaitingPlace[] = [];
  for (const place of waiting.toSorted((one, other) => rank(other) - rank(one))) {
    if (taken.length >= (limits.runs ?? Infinity)) break;
    const ofAgent = taken.filter(({ agent }) => agent === place.agent).length;
    if (ofAgent >= (limits.runsPerAgent?.[place.agent] ?? Infinity)) continue;
    taken.push(place);
    admitted.push(place);
  }
  return admitted;
}

/** Hands out places, in this process, once it has begun. */
export class Admission {
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #waiting = new Map<
    SessionId,
    { readonly place: WaitingPlace; readonly grant: () => void }
  >();
  readonly #running = new Map<SessionId, Place>();
  /** Handed out to sessions whose run is not recorded yet. */
  readonly #promised = new Map<SessionId, Place>();
  #isOpen = false;

  constructor(limits: Limits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Resolves once the session has a place; rejects when the signal aborts. */
  async request(place: Place & { readonly priority: number }, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      this.#waiting.delete(place.session);
      reject(signal.reason);
    };
    signal.addEventListener("abort", leave, { once: true });
    const since = this.#clock.now();
    this.#waiting.set(place.session, { place: { ...place, since }, grant: resolve });
    this.#hand();
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  /** The session has a run and is owned here: it takes a place, also above the limit. */
  occupy(place: Place): void {
    this.#promised.delete(place.session);
    this.#running.set(place.session, place);
  }

  /** Whatever came of the request is recorded: a place that no run has taken is another's. */
  giveBack(session: SessionId): void {
    if (this.#promised.delete(session)) this.#hand();
  }

  /** The session has no run any more, or another owner, who counts it. */
  leave(session: SessionId): void {
    if (this.#running.delete(session)) this.#hand();
  }

  /** Hands out places from now on: whatever lives already has its own. */
  begin(): void {
    this.#isOpen = true;
    this.#hand();
  }

  /** Hands out no more places: who waits goes on waiting. */
  stop(): void {
    this.#isOpen = false;
  }

  #hand(): void {
    if (!this.#isOpen) return;
    const waiting = [...this.#waiting.values()].map(({ place }) => place);
    const running = [...this.#running.values(), ...this.#promised.values()];
    for (const place of admit(waiting, running, this.#limits, this.#clock.now())) {
      const { session, agent } = place;
      this.#promised.set(session, { session, agent });
      this.#waiting.get(session)?.grant();
      this.#waiting.delete(session);
    }
  }
}
