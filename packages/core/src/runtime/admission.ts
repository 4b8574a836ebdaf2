import type { AgentSlug, SessionId } from "../ids.ts";

/** How many runs may live at once. */
export interface Limits {
  /** In this orchestrator. Default: no limit. */
  readonly runs?: number;
  /** Of each agent. Default: no limit. */
  readonly runsPerAgent?: Readonly<Record<AgentSlug, number>>;
}

/** A session that waits for a place, or has one. */
export interface Place {
  readonly session: SessionId;
  readonly agent: AgentSlug;
}

/**
 * Which of the waiting sessions get a place now, in the order in which they came. Pure. One that
 * waits for its agent's limit holds up nobody else.
 */
export function admit(
  waiting: readonly Place[],
  running: readonly Place[],
  limits: Limits,
): readonly Place[] {
  const admitted: Place[] = [];
  for (const place of waiting) {
    const taken = [...running, ...admitted];
    if (taken.length >= (limits.runs ?? Infinity)) break;
    const ofAgent = taken.filter(({ agent }) => agent === place.agent).length;
    if (ofAgent < (limits.runsPerAgent?.[place.agent] ?? Infinity)) admitted.push(place);
  }
  return admitted;
}

/** Hands out places, in this process. */
export class Admission {
  readonly #limits: Limits;
  readonly #waiting = new Map<SessionId, { readonly place: Place; readonly grant: () => void }>();
  readonly #running = new Map<SessionId, Place>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Resolves once the session has a place; rejects when the signal aborts. */
  async request(place: Place, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      this.#waiting.delete(place.session);
      reject(signal.reason);
    };
    signal.addEventListener("abort", leave, { once: true });
    this.#waiting.set(place.session, { place, grant: resolve });
    this.#hand();
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  /** The session has a run, whoever started it: it takes a place. */
  occupy(place: Place): void {
    this.#running.set(place.session, place);
  }

  /** The session has no run any more. */
  leave(session: SessionId): void {
    if (this.#running.delete(session)) this.#hand();
  }

  #hand(): void {
    const waiting = [...this.#waiting.values()].map(({ place }) => place);
    for (const place of admit(waiting, [...this.#running.values()], this.#limits)) {
      this.#running.set(place.session, place);
      this.#waiting.get(place.session)?.grant();
      this.#waiting.delete(place.session);
    }
  }
}
