import type { Clock } from "./ports/clock.ts";
import type { Lease } from "./ports/event-store.ts";

/** The leases of a memory store. */
export interface MemoryLeases {
  /** From now on, claims come from a new life of whoever makes them. */
  beginLife(): void;
  claim(names: readonly string[], owner: string): readonly Lease[];
  renew(held: readonly Lease[]): readonly Lease[];
  release(held: readonly Lease[]): void;
  /** The highest epoch that was ever claimed for the name; 0 for none. */
  epochOf(name: string): number;
}

/** Keeps who holds what. Without `leaseMs`, a claim by another owner always succeeds. */
export function memoryLeases(options: {
  readonly clock?: Clock;
  readonly leaseMs?: number;
}): MemoryLeases {
  const { clock, leaseMs } = options;
  if (leaseMs !== undefined && clock === undefined) {
    throw new TypeError("A memory store with leaseMs needs a clock.");
  }
  const holdings = new Map<string, Holding>();
  let life = 0;

  return {
    beginLife: () => {
      life += 1;
    },
    claim: (names, owner) =>
      names.filter((name) => isFree(name, owner)).map((name) => claim(name, owner)),
    renew: (held) =>
      held.filter((lease) => isHeld(lease)).map((lease) => claim(lease.name, lease.owner)),
    release: (held) => held.filter((lease) => isHeld(lease)).forEach(release),
    epochOf: (name) => holdings.get(name)?.epoch ?? 0,
  };

  function isFree(name: string, owner: string): boolean {
    const holding = holdings.get(name);
    if (leaseMs === undefined || holding === undefined) return true;
    return holding.owner === null || holding.owner === owner || holding.until <= now();
  }

  function claim(name: string, owner: string): Lease {
    const before = holdings.get(name);
    const isSame = before?.owner === owner && before.life === life;
    const epoch = isSame ? before.epoch : (before?.epoch ?? 0) + 1;
    holdings.set(name, { owner, epoch, life, until: now() + (leaseMs ?? 0) });
    return { name, owner, epoch };
  }

  function isHeld(lease: Lease): boolean {
    const holding = holdings.get(lease.name);
    return holding?.owner === lease.owner && holding.epoch === lease.epoch && holding.life === life;
  }

  function release({ name, epoch }: Lease): void {
    // The epoch stays, so that the next claim is above it.
    holdings.set(name, { owner: null, epoch, life, until: 0 });
  }

  function now(): number {
    return clock?.now() ?? 0;
  }
}

interface Holding {
  readonly owner: string | null;
  readonly epoch: number;
  readonly life: number;
  readonly until: number;
}
