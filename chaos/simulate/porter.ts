import type { Instant, Logger, Orchestrator, OrchestratorOptions, SessionId } from "@waybill/core";

/**
 * Somebody at the door of one orchestrator, who notes whom it lets in and when it hears that a session
 * is its own. All instants are of that orchestrator's clock.
 */
export class Porter {
  /** What the orchestrator calls itself in the log ends with this; null before it has a name. */
  name: string | null = null;
  /** When it had taken over what there was; null where it never came so far. */
  readyAt: Instant | null = null;
  /** Each place that was handed out, in order. */
  readonly places: { readonly session: SessionId; readonly at: Instant }[] = [];
  /** When it heard of the events that make a session its own, by stream and version. */
  readonly #heard = new Map<string, Instant>();
  /** Sessions of whose takeover it did not hear how it ended. */
  readonly #doubtful = new Set<unknown>();
  readonly #now: () => Instant;

  constructor({ clock }: OrchestratorOptions) {
    if (clock === undefined) throw new TypeError("An orchestrator in a fake world has its clock.");
    this.#now = () => clock.now();
  }

  /** The options with which the orchestrator is to be made. */
  beside(options: OrchestratorOptions): OrchestratorOptions {
    const { ids } = options;
    if (ids === undefined) throw new TypeError("An orchestrator in a fake world has its ids.");
    const uuid = (): string => {
      const id = ids.uuid();
      this.name ??= id; // before anything else, an orchestrator gives itself a name
      return id;
    };
    const admit = async ({ session }: { readonly session: SessionId }): Promise<void> => {
      this.places.push({ session, at: this.#now() });
    };
    const silent = (): void => {};
    const logger: Logger = {
      ...{ debug: silent, info: silent, warn: silent },
      error: (_, details) => void this.#doubtful.add(details?.["session"]),
    };
    return { ...options, ids: { ...ids, uuid }, admit, logger };
  }

  /** Listens to it from now on. */
  listen(orchestrator: Orchestrator): void {
    this.readyAt = this.#now();
    orchestrator.on("SessionOwned", ({ stream, version }) => {
      this.#heard.set(`${stream} ${version}`, this.#now());
    });
  }

  /** When it knew that the session was its own; what was recorded before it was ready it knew then. */
  knewAt(owned: {
    readonly stream: SessionId;
    readonly version: number;
    readonly recordedAt: Instant;
  }): Instant {
    const { stream, version, recordedAt } = owned;
    const heard = this.#heard.get(`${stream} ${version}`);
    if (heard !== undefined) return heard;
    const isFromStart =
      this.readyAt !== null && recordedAt <= this.readyAt && !this.#doubtful.has(stream);
    return isFromStart ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
}
