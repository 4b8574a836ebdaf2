import type { Checkpoints } from "./checkpoints.ts";
import { inTransaction } from "./database.ts";
import type { Database } from "./database.ts";
import type { Leases } from "./leases.ts";
import type { Calls } from "./messages.ts";

/** Makes this log the one that an imported log was: its id, its checkpoints, and no epoch lower than it had. */
export function adopt(
  db: Database,
  leases: Leases,
  checkpoints: Checkpoints,
  { id, epochs, checkpoints: readers }: Calls["adopt"]["ask"],
): void {
  inTransaction(db, () => {
    db.prepare("UPDATE marks SET value = ? WHERE name = 'id'").run(id);
    leases.raise(epochs);
    for (const { name, value } of readers) checkpoints.set({ name, value, expected: null });
  });
}
