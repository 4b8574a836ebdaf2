import { appendClauses } from "./event-store-contract/append.ts";
import { checkpointClauses } from "./event-store-contract/checkpoints.ts";
import type { StoreClause } from "./event-store-contract/clause.ts";
import { eraseClauses } from "./event-store-contract/erase.ts";
import { idempotencyClauses } from "./event-store-contract/idempotency.ts";
import { leaseClauses } from "./event-store-contract/leases.ts";
import { lifeClauses } from "./event-store-contract/life.ts";
import { readClauses } from "./event-store-contract/read.ts";
import { refusalClauses } from "./event-store-contract/refusals.ts";
import { subscribeClauses } from "./event-store-contract/subscribe.ts";
import type { EventStore } from "../ports/event-store.ts";

/** A store for one clause. */
export interface EventStoreFixture extends AsyncDisposable {
  /** An open store that nobody has written to. */
  readonly store: EventStore;
  /** Closes the store and resolves with the same log, opened as the next process would open it. */
  reopen(): Promise<EventStore>;
  /** Closes what is open and removes what was made. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How to run the contract. */
export interface EventStoreContractOptions {
  /** The test runner's own `test`. */
  readonly test: (name: string, fn: () => Promise<void>) => void;
  readonly create: () => Promise<EventStoreFixture>;
  /** Clauses that this store cannot keep, by name, each with the reason. */
  readonly skip?: Readonly<Record<string, string>>;
  /** Told of each clause that is skipped. */
  readonly skipped?: (name: string, reason: string) => void;
}

/**
 * Every promise of the `EventStore` port, one test each. Run it on every store that you write.
 * Throws a `TypeError` for a name in `skip` that is no clause.
 */
export function eventStoreContract(options: EventStoreContractOptions): void {
  const skip = new Map(Object.entries(options.skip ?? {}));
  for (const [name, run] of clauses) {
    const reason = skip.get(name);
    skip.delete(name);
    if (reason !== undefined) options.skipped?.(name, reason);
    else options.test(name, () => runWithFixture(run, options.create));
  }
  if (skip.size > 0)
    throw new TypeError(`The contract has no clause "${[...skip.keys()].join('", "')}".`);
}

const clauses: readonly StoreClause[] = [
  ...appendClauses,
  ...idempotencyClauses,
  ...refusalClauses,
  ...readClauses,
  ...subscribeClauses,
  ...leaseClauses,
  ...checkpointClauses,
  ...eraseClauses,
  ...lifeClauses,
];

async function runWithFixture(
  run: StoreClause[1],
  create: () => Promise<EventStoreFixture>,
): Promise<void> {
  await using fixture = await create();
  await run(fixture.store, fixture);
}
