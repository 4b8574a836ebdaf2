import type { Lease } from "@waybill/core";
import { inTransaction, numberFrom } from "./database.ts";
import type { Database } from "./database.ts";
import type { Epoch } from "./messages.ts";

/** Who holds what, kept with the log. */
export interface Leases {
  /** The epoch of each name, in the order of the names. */
  claim(names: readonly string[], owner: string): readonly number[];
  /** For each lease whether it is still held. */
  renew(leases: readonly Lease[]): readonly boolean[];
  release(leases: readonly Lease[]): void;
  /** Raises epochs to what an imported log's were. */
  raise(epochs: readonly Epoch[]): void;
}

/** @param life the number of this opening: the same owner in another life is another owner. */
export function openLeases(db: Database, life: number): Leases {
  const claim = db.prepare(
    `INSERT INTO leases (name, epoch, owner, life) VALUES (?, 1, ?, ?)
     ON CONFLICT (name) DO UPDATE SET
       epoch = epoch + (owner IS NOT excluded.owner OR life <> excluded.life),
       owner = excluded.owner, life = excluded.life
     RETURNING epoch`,
  );
  const held = db.prepare(
    "SELECT count(*) AS held FROM leases WHERE name = ? AND owner = ? AND epoch = ? AND life = ?",
  );
  const release = db.prepare(
    "UPDATE leases SET owner = NULL WHERE name = ? AND owner = ? AND epoch = ?",
  );
  const raise = db.prepare(
    `INSERT INTO leases (name, epoch, owner, life) VALUES (?, ?, NULL, 0)
     ON CONFLICT (name) DO UPDATE SET epoch = max(epoch, excluded.epoch)`,
  );
  return {
    claim: (names, owner) =>
      inTransaction(db, () => names.map((name) => numberFrom(claim.get(name, owner, life)))),
    renew: (leases) =>
      leases.map(({ name, owner, epoch }) => numberFrom(held.get(name, owner, epoch, life)) > 0),
    release: (leases) =>
      inTransaction(db, () => {
        for (const { name, owner, epoch } of leases) release.run(name, owner, epoch);
      }),
    raise: (epochs) => {
      for (const { name, epoch } of epochs) raise.run(name, epoch);
    },
  };
}

/** Reads the epochs in pages, by name, after a name. */
export function openEpochs(db: Database): (ask: { readonly after: string }) => readonly Epoch[] {
  const page = db.prepare("SELECT name, epoch FROM leases WHERE name > ? ORDER BY name LIMIT 1000");
  return ({ after }) =>
    page.all(after).map((row) => ({ name: String(row["name"]), epoch: Number(row["epoch"]) }));
}
