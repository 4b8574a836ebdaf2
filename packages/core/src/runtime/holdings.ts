import type { Instant, SessionId } from "../ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore, Lease } from "../ports/event-store.ts";
import type { Logger } from "../ports/logger.ts";

/** What an orchestrator's leases are kept with. */
export interface HoldingsParts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly owner: string;
  /** How many sessions to hold at most. */
  readonly capacity: number;
  /** How often leases are renewed and sessions without an owner looked for, in milliseconds. */
  readonly renewMs: number;
  /** The sessions that should have an owner now: open, and of an agent that is known here. */
  readonly wanted: () => readonly SessionId[];
  /** A session is this orchestrator's under this epoch; gives what came of it. */
  readonly gained: (lease: Lease) => Promise<Gain>;
  /** This instant, by the clock that the leases of runs are judged by. */
  readonly stamp: () => Instant;
  /** A session is this orchestrator's no longer. */
  readonly lost: (lease: Lease) => void;
}

/**
 * What came of a session that was claimed: it is taken over; or that is tried again in the next
 * round; or it lies out of reach, and is left to others until its log says something new.
 */
export type Gain = "owned" | "failed" | "out_of_reach";

/** A lease, and the instant before the store was last asked for it and gave it. */
interface Held {
  readonly lease: Lease;
  readonly at: Instant;
}

/** The sessions that this orchestrator holds among several, and its care to keep and to find them. */
export class Holdings {
  readonly #parts: HoldingsParts;
  readonly #held = new Map<SessionId, Held>();
  /** Those that lie out of reach. */
  readonly #beyond = new Set<SessionId>();
  /** Names whose claim is under way: they take up room already. */
  readonly #asked = new Set<SessionId>();
  #cancel: () => void = () => {};
  #round: Promise<void> | null = null;
  #closed = false;

  constructor(parts: HoldingsParts) {
    this.#parts = parts;
  }

  /** Claims what is wanted, and from then on renews, lets go and claims, round after round. */
  async start(): Promise<void> {
    await this.#claim(this.#parts.wanted());
    this.#schedule();
  }

  /** Claims one session now, where there is room for it and nobody else holds it. */
  async take(id: SessionId): Promise<void> {
    if (!this.#held.has(id)) await this.#claim([id]);
  }

  /** When this process last knew that it holds the session; null where it does not. */
  heldAt(id: SessionId): Instant | null {
    return this.#held.get(id)?.at ?? null;
  }

  /** Something new is known of the session: it may be in reach by now. */
  reconsider(id: SessionId): void {
    this.#beyond.delete(id);
  }

  /** Hands everything over: whoever claims next has it at once. To be called when nothing acts any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#round;
    const held = [...this.#held.values()].map(({ lease }) => lease);
    this.#held.clear();
    if (held.length === 0) return;
    await this.#parts.store.release(held).catch((error: unknown) => {
      // They end by themselves.
      this.#parts.logger.warn("Leases could not be released.", { error: String(error) });
    });
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#cancel = this.#parts.clock.after(this.#parts.renewMs, () => {
      this.#round = this.#goRound().finally(() => {
        this.#round = null;
        this.#schedule();
      });
    });
  }

  /** A failure changes nothing: the leases hold for some rounds, and fences see to the rest. */
  async #goRound(): Promise<void> {
    try {
      const wanted = this.#parts.wanted();
      await this.#renew(new Set(wanted));
      await this.#claim(wanted);
    } catch (error) {
      this.#parts.logger.warn("Leases could not be renewed; the next round tries again.", {
        error: String(error),
      });
    }
  }

  async #renew(wanted: ReadonlySet<SessionId>): Promise<void> {
    const held = [...this.#held.values()].map(({ lease }) => lease);
    const at = this.#parts.stamp();
    const kept = await this.#parts.store.renew(held);
    for (const lease of kept) this.#stamp(lease, at);
    const epochs = new Map(kept.map(({ name, epoch }) => [name, epoch]));
    const ended: Lease[] = [];
    for (const lease of held) {
      if (epochs.get(lease.name) !== lease.epoch) this.#drop(lease);
      else if (!wanted.has(lease.name)) ended.push(lease);
    }
    // A session that has ended needs no owner, and its place is another's.
    if (ended.length > 0) await this.#parts.store.release(ended);
    for (const lease of ended) this.#drop(lease);
  }

  #stamp(lease: Lease, at: Instant): void {
    if (this.#held.get(lease.name)?.lease.epoch === lease.epoch)
      this.#held.set(lease.name, { lease, at });
  }

  #drop(lease: Lease): void {
    if (this.#held.get(lease.name)?.lease.epoch !== lease.epoch) return;
    this.#held.delete(lease.name);
    this.#parts.lost(lease);
  }

  async #claim(wanted: readonly SessionId[]): Promise<void> {
    const { store, owner, capacity, gained } = this.#parts;
    if (this.#closed) return;
    const room = Math.max(capacity - this.#held.size - this.#asked.size, 0);
    const isFree = (id: SessionId): boolean =>
      !this.#held.has(id) && !this.#asked.has(id) && !this.#beyond.has(id);
    const names = wanted.filter(isFree).slice(0, room);
    if (names.length === 0) return;
    for (const name of names) this.#asked.add(name);
    let leases: readonly Lease[] = [];
    const at = this.#parts.stamp();
    try {
      leases = await store.claim(names, owner);
    } finally {
      for (const name of names) this.#asked.delete(name);
    }
    for (const lease of leases) this.#held.set(lease.name, { lease, at });
    const beyond: Lease[] = [];
    await Promise.all(
      leases.map(async (lease) => {
        const gain = await gained(lease);
        if (gain === "owned") return;
        // The next round claims it again, under the same epoch.
        this.#held.delete(lease.name);
        if (gain === "out_of_reach") beyond.push(lease);
      }),
    );
    for (const { name } of beyond) this.#beyond.add(name);
    // Whoever reaches it shall have it at once.
    if (beyond.length > 0) await store.release(beyond);
  }
}
