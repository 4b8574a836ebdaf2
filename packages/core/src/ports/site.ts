/**
 * What an orchestrator reaches of the world, by the names that its transport and its mailbox give to
 * themselves; recorded with a run, where it lies. Null: nobody says, so everybody reaches it.
 */
export interface Site {
  /** The engine or machine that runs live on: who reaches it can watch and stop them. */
  readonly host: string | null;
  /** The folders of runs and sessions: who reaches them can read words, workspace and transcript. */
  readonly folders: string | null;
}

/** Whether two names may mean the same place. */
export function isSamePlace(one: string | null, other: string | null): boolean {
  return one === null || other === null || one === other;
}
