/** How long attached runs keep the process alive when neither they nor an orchestrator are heard. */
const LEFT_BEHIND_MS = 24 * 60 * 60 * 1_000;

/** What the process looks at to know whether anyone needs it. */
export interface Use {
  readonly idleMs: number;
  readonly ways: { readonly size: number; readonly inFlight: number; readonly heardAt: number };
  readonly control: {
    readonly connections: number;
    readonly heardAt: number;
    /** Whether orchestrators would still find this process by its socket. */
    reachable(): Promise<boolean>;
  };
  readonly end: () => void;
}

/** Ends the process when nobody needs it. Looks now and then; `isUnneeded` says what it looks for. */
export function endWhenUnused(use: Use): void {
  const { ways, control, idleMs, end } = use;
  let lastNeeded = Date.now();
  const look = async (): Promise<void> => {
    const now = Date.now();
    if (ways.size > 0) lastNeeded = now;
    const reachable = await control.reachable();
    const idleFor = now - Math.max(lastNeeded, control.heardAt);
    const silentFor = now - Math.max(ways.heardAt, control.heardAt);
    const { connections } = control;
    const { size, inFlight } = ways;
    if (isUnneeded({ idleMs, idleFor, silentFor, connections, runs: size, inFlight, reachable }))
      end();
  };
  setInterval(() => void look(), Math.min(Math.max(idleMs / 4, 20), 10_000));
}

/** What decides whether the process is needed; times in milliseconds. */
export interface Need {
  readonly idleMs: number;
  /** Since a run was attached or an orchestrator asked for something. */
  readonly idleFor: number;
  /** Since a run or an orchestrator asked for something. */
  readonly silentFor: number;
  readonly connections: number;
  readonly runs: number;
  readonly inFlight: number;
  readonly reachable: boolean;
}

/**
 * Nobody needs the process without an attached run for `idleMs`; or when its folder is gone, so that
 * no orchestrator can find it; or when its runs were left behind, with no orchestrator connected and
 * no request for a day. Their records stay, and the next attach serves them again.
 */
export function isUnneeded(need: Need): boolean {
  if (need.inFlight > 0) return false;
  const idle = need.runs === 0 && need.idleFor >= need.idleMs;
  const leftBehind = need.connections === 0 && need.silentFor >= LEFT_BEHIND_MS;
  return idle || leftBehind || !need.reachable;
}
