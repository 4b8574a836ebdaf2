import { WaybillError } from "../errors.ts";
import type { SessionEventType } from "../events/catalogue.ts";
import type { Fork } from "../events/session-events.ts";
import type { AgentSlug, SessionId } from "../ids.ts";
import type { Activity } from "../ports/agent-word.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import { silentLogger, type Logger } from "../ports/logger.ts";
import { defaultPolicy } from "../session/policy.ts";
import { statusOf } from "../session/status.ts";
import { Admission } from "./admission.ts";
import { AgentAccounts } from "./agent-accounts.ts";
import { Approver } from "./approver.ts";
import { allEvents } from "./all-events.ts";
import { agentNamed, checkSessionId } from "./check-options.ts";
import { endRun } from "./end-run.ts";
import { Feed } from "./feed.ts";
import { followLog } from "./follow-log.ts";
import { Holdings } from "./holdings.ts";
import { sweepRegularly } from "./orphans.ts";
import { takeOver } from "./take-over.ts";
import { renewMsOf } from "./sharing.ts";
import { randomIds } from "./random-ids.ts";
import { redactor, type Redactor } from "./redactor.ts";
import type { Ports } from "./ports-life.ts";
import { sessionWorld } from "./session-world.ts";
import { sessionHandle, type SessionHandle } from "./session-handle.ts";
import type { LoopParts } from "./loop-parts.ts";
import { SessionLoop } from "./session-loop.ts";
import type { SessionRecord } from "./session-record.ts";
import { SessionIndex } from "./session-index.ts";
import { StreamReader } from "./stream-reader.ts";
import { systemClock } from "./system-clock.ts";
import type {
  AgentHandle,
  AllEventsOptions,
  OpenOptions,
  Orchestrator,
  OrchestratorOptions,
  SessionSummary,
} from "./orchestrator.ts";

/** How long outcomes of effects in flight are waited for when the orchestrator goes away. */
const detachGraceMs = 5_000;

/** The sessions of one process, each with its loop, and what they share. */
export class RunningOrchestrator implements Orchestrator {
  readonly #options: OrchestratorOptions;
  readonly #ports: Ports;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #feed: Feed;
  readonly #redactor: Redactor;
  readonly #index: SessionIndex;
  readonly #reader: StreamReader;
  readonly #admission: Admission;
  readonly #owner: string;
  readonly #accounts: AgentAccounts;
  readonly #approver: Approver;
  readonly #holdings: Holdings;
  readonly #loops = new Map<SessionId, Promise<SessionLoop>>();
  readonly #closing = new AbortController();
  #closed: Promise<void> | null = null;

  constructor(options: OrchestratorOptions, ports: Ports) {
    this.#options = options;
    this.#ports = ports;
    this.#redactor = redactor(options.redact);
    this.#logger = this.#redactor.logger(options.logger ?? silentLogger);
    this.#clock = options.clock ?? systemClock();
    this.#ids = options.ids ?? randomIds;
    this.#feed = new Feed(this.#logger);
    this.#index = new SessionIndex(options.store);
    this.#reader = new StreamReader(options.store, this.#feed, this.#closing.signal);
    this.#admission = new Admission(options.limits ?? {}, this.#clock);
    this.#approver = new Approver(options.approve, this.#logger);
    this.#accounts = new AgentAccounts({
      store: options.store,
      clock: this.#clock,
      ids: this.#ids,
      logger: this.#logger,
      changed: (slug) => this.#accountChanged(slug),
    });
    this.#owner = `${process.pid}-${this.#ids.uuid()}`;
    this.#holdings = new Holdings({
      store: options.store,
      clock: this.#clock,
      logger: this.#logger,
      owner: this.#owner,
      capacity: options.sharing?.capacity ?? Number.POSITIVE_INFINITY,
      renewMs: renewMsOf(options.sharing),
      stamp: () => options.mailbox.leases?.now() ?? 0,
      wanted: () =>
        this.#index
          .open()
          .filter(({ agent }) => agent in options.agents)
          .map(({ id }) => id),
      gained: (lease) =>
        takeOver(this.#loop(lease.name), {
          options,
          trackers: ports.trackers,
          logger: this.#logger,
          lease,
        }),
      lost: ({ name, epoch }) => this.#tell(name, (loop) => loop.letGo(epoch)),
    });
  }

  /** Owns every open session: from there on each does what its state says is outstanding. */
  async takeOver(): Promise<void> {
    const after = await this.#index.load();
    for (const [slug, { budgetUsd }] of Object.entries(this.#options.agents))
      await this.#accounts.load(slug, budgetUsd);
    void followLog({
      log: this.#options.store,
      clock: this.#clock,
      logger: this.#logger,
      after,
      signal: this.#closing.signal,
      // Sessions come and go, and loops have more to read, whoever appended it.
      onEvent: (stored) => {
        this.#index.take(stored);
        this.#accounts.take(stored);
        this.#holdings.reconsider(stored.stream);
        if (!this.#loops.has(stored.stream)) this.#feed.hint(stored.stream);
        this.#tell(stored.stream, (loop) => loop.grown(stored.version));
      },
    });
    await this.#holdings.start();
    this.#admission.begin();
    void sweepRegularly({
      options: this.#options,
      hasEnded: (id) => this.#index.hasEnded(id),
      // A run of another orchestrator may be younger than what is known of its session here, also
      // where this one takes itself for the owner: it may have been frozen, and taken over.
      stateOf: async (id) => {
        const loop = await this.#loop(id);
        await loop.refresh();
        return loop.state;
      },
      logger: this.#logger,
      clock: this.#clock,
      signal: this.#closing.signal,
    });
  }

  open(options: OpenOptions): Promise<SessionHandle> {
    return this.#open(options, null);
  }

  async #open(options: OpenOptions, forkedFrom: Fork | null): Promise<SessionHandle> {
    const { id, agent: slug } = options;
    checkSessionId(id);
    const agent = agentNamed(this.#options.agents, slug);
    this.#ports.trackers.of(options.tenant ?? null); // a tenant that nobody knows is refused here
    const loop = await this.#loop(id);
    await loop.submit({
      type: "OpenSession",
      agent: { slug, name: agent.name },
      conversation: this.#ids.uuid(),
      scope: { chats: [], tasks: [], ...options.scope },
      policy: { ...defaultPolicy, ...agent.policy, ...options.policy },
      priority: options.priority ?? 0,
      tenant: options.tenant ?? null,
      forkedFrom,
    });
    this.#index.add(id, slug);
    if (!loop.owned) await this.#holdings.take(id);
    return this.session(id);
  }

  session(id: SessionId): SessionHandle {
    checkSessionId(id);
    return sessionHandle(id, {
      ids: this.#ids,
      reader: this.#reader,
      loop: (session) => this.#loop(session),
      take: (session) => this.#holdings.take(session),
      fork: (options, from) => this.#open(options, from),
    });
  }

  agent(slug: AgentSlug): AgentHandle {
    agentNamed(this.#options.agents, slug);
    return {
      slug,
      budget: async () => this.#accounts.budget(slug),
      raiseBudget: (capUsd) => this.#accounts.raise(slug, capUsd),
    };
  }

  async list(): Promise<readonly SessionSummary[]> {
    const summaries = this.#index.all().map(async ({ id, agent }) => {
      const loop = await this.#loop(id);
      return { id, agent, status: statusOf(loop.state) };
    });
    return Promise.all(summaries);
  }

  on<Type extends SessionEventType>(
    type: Type,
    listener: (event: SessionRecord<Type>) => void,
  ): () => void {
    return this.#feed.on(type, listener);
  }

  onAny(listener: (event: SessionRecord) => void): () => void {
    return this.#feed.onAny(listener);
  }

  events(options: AllEventsOptions = {}): AsyncIterable<SessionRecord> {
    return allEvents(this.#options.store, options, this.#closing.signal);
  }

  onActivity(listener: (session: SessionId, activity: Activity) => void): () => void {
    return this.#feed.onActivity(listener);
  }

  async shutdown(): Promise<void> {
    this.#admission.stop();
    const loops = await Promise.all(this.#loops.values());
    const running = loops.filter(({ owned, state }) => owned && state.run !== null);
    await Promise.all(running.map((loop) => endRun(loop, this.#reader)));
    await this[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#detach();
    return this.#closed;
  }

  async #detach(): Promise<void> {
    this.#closing.abort(new WaybillError("DETACHED", "The orchestrator was left."));
    const loops = await Promise.all(
      [...this.#loops.values()].map((loop) => loop.catch(() => null)),
    );
    await Promise.all(loops.map(async (loop) => loop?.detach(detachGraceMs)));
    // Only now: the next owner must not meet what is still in flight here.
    await this.#holdings.close();
    await this.#ports.close();
  }

  /** The session's loop in this process, loaded. One that could not be loaded is tried anew. */
  #loop(id: SessionId): Promise<SessionLoop> {
    this.#closing.signal.throwIfAborted();
    const known = this.#loops.get(id);
    if (known !== undefined) return known;
    const loop = new SessionLoop(id, this.#loopParts());
    const loaded = loop.load().then(() => loop);
    this.#loops.set(id, loaded);
    loaded.catch(() => this.#loops.delete(id));
    return loaded;
  }

  /** Tells a session's loop, where there is one; who asked for one that could not be loaded was told so. */
  #tell(id: SessionId, tell: (loop: SessionLoop) => void): void {
    void this.#loops.get(id)?.then(tell, () => undefined);
  }

  #accountChanged(slug: AgentSlug): void {
    for (const { id, agent } of this.#index.open()) {
      if (agent === slug) this.#tell(id, (loop) => this.#changed(loop));
    }
  }

  #loopParts(): LoopParts {
    return {
      store: this.#options.store,
      clock: this.#clock,
      ids: this.#ids,
      logger: this.#logger,
      feed: this.#feed,
      redactor: this.#redactor,
      worldOf: (loop) =>
        sessionWorld(loop, {
          options: this.#options,
          trackers: this.#ports.trackers,
          admission: this.#admission,
          ids: this.#ids,
          logger: this.#logger,
          clock: this.#clock,
          renewMs: renewMsOf(this.#options.sharing),
          heldAt: (id) => this.#holdings.heldAt(id),
        }),
      changed: (loop) => this.#changed(loop),
    };
  }

  #changed(loop: SessionLoop): void {
    const { id, state } = loop;
    const place = { session: id, agent: state.agent.slug };
    if (state.run !== null && state.owner?.name === this.#owner) this.#admission.occupy(place);
    else this.#admission.leave(id);
    if (!loop.owned) return;
    this.#accounts.keep(loop);
    this.#approver.keep(loop);
  }
}
