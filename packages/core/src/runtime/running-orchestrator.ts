import { WaybillError } from "../errors.ts";
import type { SessionEventType } from "../events/catalogue.ts";
import type { Fork } from "../events/session-events.ts";
import type { SessionId } from "../ids.ts";
import type { Activity } from "../ports/agent-word.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ids } from "../ports/ids.ts";
import { silentLogger, type Logger } from "../ports/logger.ts";
import { defaultPolicy } from "../session/policy.ts";
import { statusOf } from "../session/status.ts";
import { Admission } from "./admission.ts";
import type { World } from "./carry-out.ts";
import { agentNamed, checkSessionId } from "./check-options.ts";
import { Feed } from "./feed.ts";
import { followLog } from "./follow-log.ts";
import { Holdings } from "./holdings.ts";
import { sweepRegularly } from "./orphans.ts";
import { keysThatLast } from "./keys-that-last.ts";
import { randomIds } from "./random-ids.ts";
import { redactor, type Redactor } from "./redactor.ts";
import { sessionHandle, type SessionHandle } from "./session-handle.ts";
import type { LoopParts } from "./loop-parts.ts";
import { SessionLoop } from "./session-loop.ts";
import { recordOf, type SessionRecord } from "./session-record.ts";
import { SessionIndex } from "./session-index.ts";
import { StreamReader } from "./stream-reader.ts";
import { systemClock } from "./system-clock.ts";
import type {
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
  readonly #closePorts: () => Promise<void>;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #feed: Feed;
  readonly #redactor: Redactor;
  readonly #index: SessionIndex;
  readonly #reader: StreamReader;
  readonly #admission: Admission;
  readonly #owner: string;
  readonly #holdings: Holdings;
  readonly #loops = new Map<SessionId, Promise<SessionLoop>>();
  readonly #closing = new AbortController();
  #closed: Promise<void> | null = null;

  constructor(options: OrchestratorOptions, closePorts: () => Promise<void>) {
    this.#options = options;
    this.#closePorts = closePorts;
    this.#redactor = redactor(options.redact);
    this.#logger = this.#redactor.logger(options.logger ?? silentLogger);
    this.#clock = options.clock ?? systemClock();
    this.#ids = options.ids ?? randomIds;
    this.#feed = new Feed(this.#logger);
    this.#index = new SessionIndex(options.store);
    this.#reader = new StreamReader(options.store, this.#feed, this.#closing.signal);
    this.#admission = new Admission(options.limits ?? {}, this.#clock);
    this.#owner = `${process.pid}-${this.#ids.uuid()}`;
    this.#holdings = new Holdings({
      store: options.store,
      clock: this.#clock,
      logger: this.#logger,
      owner: this.#owner,
      capacity: options.sharing?.capacity ?? Number.POSITIVE_INFINITY,
      renewMs: options.sharing?.renewMs ?? 10_000,
      wanted: () =>
        this.#index
          .open()
          .filter(({ agent }) => agent in options.agents)
          .map(({ id }) => id),
      gained: ({ name, epoch }) => this.#own(name, epoch),
      lost: ({ name, epoch }) => this.#tell(name, (loop) => loop.letGo(epoch)),
    });
  }

  /** Owns every open session: from there on each does what its state says is outstanding. */
  async takeOver(): Promise<void> {
    const after = await this.#index.load();
    void followLog({
      log: this.#options.store,
      clock: this.#clock,
      logger: this.#logger,
      after,
      signal: this.#closing.signal,
      // Sessions come and go, and loops have more to read, whoever appended it.
      onEvent: (stored) => {
        this.#index.take(stored);
        this.#tell(stored.stream, (loop) => loop.grown(stored.version));
      },
    });
    await this.#holdings.start();
    void sweepRegularly({
      owner: this.#options.store.id,
      transports: new Set(Object.values(this.#options.agents).map(({ transport }) => transport)),
      // A run of another orchestrator may be younger than what is known of its session here.
      stateOf: async (id) => {
        const loop = await this.#loop(id);
        if (!loop.owned) await loop.refresh();
        return loop.state;
      },
      logger: this.#logger,
      clock: this.#clock,
      everyMs: this.#options.sweepMs ?? 300_000,
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
      fork: (options, from) => this.#open(options, from),
    });
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

  async *events(options: AllEventsOptions = {}): AsyncGenerator<SessionRecord> {
    const { signal = this.#closing.signal, ...rest } = options;
    const either = AbortSignal.any([signal, this.#closing.signal]);
    for await (const page of this.#options.store.subscribe({ ...rest, signal: either })) {
      for (const stored of page) {
        const record = recordOf(stored);
        if (record !== null) yield record;
      }
    }
  }

  onActivity(listener: (session: SessionId, activity: Activity) => void): () => void {
    return this.#feed.onActivity(listener);
  }

  async shutdown(): Promise<void> {
    this.#admission.stop();
    const loops = await Promise.all(this.#loops.values());
    const running = loops.filter(({ owned, state }) => owned && state.run !== null);
    await Promise.all(running.map((loop) => this.#endRun(loop)));
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
    await this.#closePorts();
  }

  /** Asks the run to finish and waits until it is over; its own deadlines see to that. */
  async #endRun(loop: SessionLoop): Promise<void> {
    const version = loop.state.version;
    await loop.submit({ type: "StopRun", reason: "shutdown" });
    const done = async (): Promise<boolean> => loop.state.run === null;
    for await (const _ of this.#reader.read(loop.id, { after: version, done })) {
      // The end of the run is what is waited for.
    }
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

  async #own(id: SessionId, epoch: number): Promise<boolean> {
    try {
      const loop = await this.#loop(id);
      const keys = keysThatLast(this.#options.tracker?.capabilities, loop.state.policy);
      await loop.own(this.#owner, epoch, keys);
      return true;
    } catch (error) {
      // One session that cannot be read must not keep the others from going on.
      const details = { session: id, error: String(error) };
      this.#logger.error("A session could not be taken over.", details);
      return false;
    }
  }

  /** Tells a session's loop, where there is one; who asked for one that could not be loaded was told so. */
  #tell(id: SessionId, tell: (loop: SessionLoop) => void): void {
    void this.#loops.get(id)?.then(tell, () => undefined);
  }

  #loopParts(): LoopParts {
    return {
      store: this.#options.store,
      clock: this.#clock,
      ids: this.#ids,
      logger: this.#logger,
      feed: this.#feed,
      redactor: this.#redactor,
      worldOf: (loop) => this.#worldOf(loop),
      changed: (loop) => this.#changed(loop),
    };
  }

  #changed({ id, state }: SessionLoop): void {
    const place = { session: id, agent: state.agent.slug };
    if (state.run === null) this.#admission.leave(id);
    else this.#admission.occupy(place);
  }

  #worldOf(loop: SessionLoop): World | null {
    const { slug } = loop.state.agent;
    const agent = this.#options.agents[slug];
    if (agent === undefined) return null;
    return {
      owner: this.#options.store.id,
      sessionId: loop.id,
      slug,
      agent,
      mailbox: this.#options.mailbox,
      tracker: this.#options.tracker ?? null,
      logger: this.#logger,
      report: (command) => loop.report(command),
      notice: (incoming) => loop.notice(incoming),
      admit: async (signal) => {
        const place = { session: loop.id, agent: slug };
        await this.#admission.request({ ...place, priority: loop.state.priority }, signal);
        try {
          await this.#options.admit?.(place, signal);
          signal.throwIfAborted();
          const protocol = agent.protocol ?? (await agent.transport.check(signal)).protocol ?? 1;
          return { type: "AdmitRun", runId: this.#ids.run(), protocol };
        } catch (error) {
          this.#admission.leave(loop.id);
          throw error;
        }
      },
    };
  }
}
