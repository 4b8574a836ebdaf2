import type { Tracker } from "../ports/tracker.ts";

/** The client of a tenant's board; null for none. Asked once for each tenant; may throw a code. */
export type TrackerOf = (tenant: string | null) => Tracker | null;

/** The Trackers of an orchestrator: one for all, or one for each tenant. */
export class Trackers {
  readonly #made = new Map<string | null, Tracker | null>();
  readonly #of: TrackerOf;
  readonly #shared: Tracker | null;

  constructor(source: Tracker | TrackerOf | undefined) {
    this.#shared = typeof source === "object" ? source : null;
    this.#of = typeof source === "function" ? source : () => this.#shared;
  }

  /** The tenant's. */
  of(tenant: string | null): Tracker | null {
    const known = this.#made.get(tenant);
    if (known !== undefined) return known;
    const made = this.#of(tenant);
    this.#made.set(tenant, made);
    return made;
  }

  /** Checks the one that all share; a tenant's own is met at its first call. */
  async check(): Promise<void> {
    await this.#shared?.check();
  }

  /** Closes every one that was asked for. */
  async close(): Promise<void> {
    const all = new Set([this.#shared, ...this.#made.values()]);
    for (const tracker of all) await tracker?.close();
  }
}
