/** Refusals of one reason are counted for so long, in milliseconds, after the first. */
const WINDOW_MS = 60_000;

/** Refusals of one run for one reason. */
export interface CountedRefusals {
  readonly runId: string;
  readonly at: number;
  readonly reason: string;
  readonly model: string | null;
  readonly count: number;
}

/** Turns refusals into few records: a hostile run must not fill a session's log. */
export interface RefusalCounts {
  count(runId: string, reason: string, model: string | null): void;
  /** Records what was only counted. */
  flush(): void;
}

/** The first refusal of a run for a reason is recorded at once, those of the next minute as a number. */
export function refusalCounts(record: (refusals: CountedRefusals) => void): RefusalCounts {
  const windows = new Map<string, { timer: NodeJS.Timeout; more: CountedRefusals | null }>();

  const end = (key: string): void => {
    const window = windows.get(key);
    if (window === undefined) return;
    clearTimeout(window.timer);
    windows.delete(key);
    if (window.more !== null) record(window.more);
  };
  return {
    count(runId, reason, model) {
      const key = JSON.stringify([runId, reason]);
      const refusal = { runId, at: Date.now(), reason, model, count: 1 };
      const window = windows.get(key);
      if (window !== undefined) {
        window.more = { ...refusal, count: (window.more?.count ?? 0) + 1 };
        return;
      }
      windows.set(key, { timer: setTimeout(end, WINDOW_MS, key).unref(), more: null });
      record(refusal);
    },
    flush: () => {
      for (const key of windows.keys()) end(key);
    },
  };
}
