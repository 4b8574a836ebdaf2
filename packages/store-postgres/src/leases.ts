import { setTimeout as pause } from "node:timers/promises";
import type { Lease } from "@waybill/core";
import type { Database } from "./database.ts";

/** Who holds what, by the database's clock: those of the processes may differ. */
export interface Leases {
  claim(names: readonly string[], owner: string): Promise<readonly Lease[]>;
  renew(leases: readonly Lease[]): Promise<readonly Lease[]>;
  release(leases: readonly Lease[]): Promise<void>;
}

/** @param life names this opening of the store: the same owner in another life is another owner. */
export function databaseLeases(database: Database, life: string, leaseMs: number): Leases {
  return {
    claim: async (names, owner) => {
      const epochs = new Map<string, number>();
      for (const chunk of chunksOf([...new Set(names)])) {
        await database.ask(MAKE, [chunk]);
        for (let round = 1; round <= ROUNDS; round += 1) {
          const missing = chunk.filter((name) => !epochs.has(name));
          const claimed = await database.ask(CLAIM, [missing, owner, life, leaseMs]);
          for (const { name, epoch } of claimed) epochs.set(String(name), Number(epoch));
          if (claimed.length === missing.length) break;
          // A row that is passed over may be in another claim's hands, or in an append's for an instant.
          const left = missing.filter((name) => !epochs.has(name));
          if ((await database.ask(CLAIMABLE, [left, owner])).length === 0) break;
          await pause(ROUND_MS * round);
        }
      }
      return names.flatMap((name) => {
        const epoch = epochs.get(name);
        return epoch === undefined ? [] : [{ name, owner, epoch }];
      });
    },
    renew: async (leases) => {
      const held = new Set<string>();
      for (const chunk of chunksOf(leases)) {
        const rows = await database.ask(RENEW, [...cellsOf(chunk), life, leaseMs]);
        for (const { name, epoch } of rows) held.add(`${String(epoch)} ${String(name)}`);
      }
      return leases.filter(({ name, epoch }) => held.has(`${epoch} ${name}`));
    },
    release: async (leases) => {
      for (const chunk of chunksOf(leases)) await database.ask(RELEASE, [...cellsOf(chunk), life]);
    },
  };
}

function cellsOf(leases: readonly Lease[]): readonly unknown[] {
  return [
    leases.map(({ name }) => name),
    leases.map(({ owner }) => owner),
    leases.map(({ epoch }) => epoch),
  ];
}

/** So many at a time, so that no statement holds rows for long. */
function chunksOf<T>(all: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / CHUNK) }, (_, index) =>
    all.slice(index * CHUNK, (index + 1) * CHUNK),
  );
}

const CLAIMABLE_ROWS = `SELECT l.name FROM unnest($1::text[]) AS n (name)
  JOIN leases l ON l.name = n.name COLLATE "C"
  WHERE l.owner IS NULL OR l.owner = $2 OR l.held_until <= clock_timestamp()`;

// The rows, in an order, so that two that make the same ones never wait in a circle.
const MAKE = {
  name: "waybill-make-leases",
  text: `INSERT INTO leases (name, epoch, held_until)
    SELECT n.name, 0, '-infinity' FROM unnest($1::text[]) AS n (name)
    WHERE NOT EXISTS (SELECT FROM leases l WHERE l.name = n.name COLLATE "C")
    ORDER BY n.name COLLATE "C"
    ON CONFLICT (name) DO NOTHING`,
};

const CLAIM = {
  name: "waybill-claim",
  text: `WITH free AS MATERIALIZED (${CLAIMABLE_ROWS} ORDER BY l.name FOR UPDATE OF l SKIP LOCKED)
    UPDATE leases l SET
      epoch = l.epoch + CASE WHEN l.owner = $2 AND l.life = $3 THEN 0 ELSE 1 END,
      owner = $2, life = $3, held_until = clock_timestamp() + $4::float8 * interval '1 ms'
    FROM free WHERE l.name = free.name RETURNING l.name, l.epoch`,
};

const CLAIMABLE = { name: "waybill-claimable", text: `${CLAIMABLE_ROWS} LIMIT 1` };

const HELD_ROWS = `SELECT l.name FROM unnest($1::text[], $2::text[], $3::bigint[]) AS n (name, owner, epoch)
  JOIN leases l ON l.name = n.name COLLATE "C" AND l.owner = n.owner AND l.epoch = n.epoch
  WHERE l.life = $4 ORDER BY l.name FOR UPDATE OF l`;

const RENEW = {
  name: "waybill-renew",
  text: `WITH held AS MATERIALIZED (${HELD_ROWS})
    UPDATE leases l SET held_until = clock_timestamp() + $5::float8 * interval '1 ms'
    FROM held WHERE l.name = held.name RETURNING l.name, l.epoch`,
};

// The epoch stays, so that the next claim is above it.
const RELEASE = {
  name: "waybill-release",
  text: `WITH held AS MATERIALIZED (${HELD_ROWS})
    UPDATE leases l SET owner = NULL, held_until = '-infinity'
    FROM held WHERE l.name = held.name`,
};

const CHUNK = 1000;
const ROUNDS = 5;
const ROUND_MS = 5;
