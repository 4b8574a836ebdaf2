import { failureOf, WaybillError, type Failure } from "../errors.ts";
import type { SessionId } from "../ids.ts";
import type { Activity, Incoming } from "../ports/agent-word.ts";
import { backOff } from "../session/back-off.ts";
import type { OwnSession, SessionCommand } from "../session/command.ts";
import { settlesBy, type Effect } from "../session/effect.ts";
import { pending } from "../session/pending.ts";
import type { Session } from "../session/state.ts";
import { unopened } from "../session/unopened.ts";
import { decideBatch, fenceFor, settleAll, takeBatch, type Reply, type Waiting } from "./batch.ts";
import { giveBack, isRepeat, leaveFacts, refuseAll } from "./refusals.ts";
import { carryOut, type World } from "./carry-out.ts";
import { foldStream } from "./fold-stream.ts";
import { Flights, type Outcome } from "./flights.ts";
import type { LoopParts } from "./loop-parts.ts";
import { Observed } from "./observed.ts";
import { pause, Ticker } from "./ticker.ts";
import { writeEvents } from "./write-events.ts";
import type { StreamCleaner } from "./redactor.ts";
import type { SessionRecord } from "./session-record.ts";

/**
 * One session's life in this process: a serial loop that decides commands, appends the events, and
 * then does what `pending` says. A restart is the same loop from the start.
 */
export class SessionLoop {
  readonly id: SessionId;
  readonly #parts: LoopParts;
  readonly #flights: Flights;
  readonly #observed: Observed;
  readonly #ticker: Ticker;
  readonly #text: StreamCleaner;
  readonly #queue: Waiting[] = [];
  #state: Session;
  #working: Promise<void> | null = null;
  /** The epoch of the lease under which this process acts; null where it has none. */
  #epoch: number | null = null;
  #world: World | null = null;
  #troubles = 0;
  /** A version that the stream is known to have, by a hint. */
  #hinted = 0;
  #closed = false;

  constructor(id: SessionId, parts: LoopParts) {
    this.id = id;
    this.#parts = parts;
    this.#state = unopened(id);
    this.#observed = new Observed(parts.clock);
    this.#text = parts.redactor.stream();
    this.#ticker = new Ticker(parts.clock, () => {
      const seen = this.#observed.look(this.#state);
      void this.#enqueue({ type: "Tick", seen }, { fact: true });
    });
    this.#flights = new Flights(
      (key, effect, outcome) => this.#landed(key, effect, outcome),
      () => this.#reconcile(),
    );
  }

  /** The state after everything that is recorded. */
  get state(): Session {
    return this.#state;
  }

  /** Whether this process acts for the session. */
  get owned(): boolean {
    return this.#epoch !== null && this.#state.owner?.epoch === this.#epoch;
  }

  /** Reads what the log says. */
  async load(): Promise<void> {
    this.#adopt(await foldStream(this.#parts.store, this.#state));
  }

  /** The stream has grown to this version, perhaps by another's hand: reads what is new. */
  grown(version: number): void {
    this.#hinted = Math.max(this.#hinted, version);
    if (this.#closed || this.#hinted <= this.#state.version) return;
    this.#working ??= this.#work();
  }

  /** Resolves once everything that is in the stream now is known here. */
  async refresh(): Promise<void> {
    for await (const page of this.#parts.store.read(this.id, { from: this.#state.version + 1 }))
      this.grown(page.at(-1)?.version ?? 0);
    await this.#working;
  }

  /** Another holds the lease: stops acting and leaves the run alone. */
  letGo(epoch: number): void {
    if (this.#epoch !== epoch) return;
    this.#epoch = null;
    this.#reconcile();
  }

  /** Reads what others appended, and tells who listens here. */
  async #catchUp(): Promise<void> {
    const news: SessionRecord[] = [];
    this.#adopt(await foldStream(this.#parts.store, this.#state, (page) => news.push(...page)));
    if (news.length > 0) this.#parts.feed.publish(this.id, news);
  }

  #adopt(state: Session): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#parts.changed(this);
  }

  /** Acts for the session under this lease's epoch from now on. */
  async own(terms: Omit<OwnSession, "type">): Promise<void> {
    this.#epoch = terms.epoch;
    await this.submit({ type: "OwnSession", ...terms });
    this.#reconcile();
  }

  /** Decides the command and resolves once what follows is durable; rejects where it is refused. */
  submit(command: SessionCommand, options: { readonly onceAs?: string } = {}): Promise<Reply> {
    return this.#enqueue(command, { ...options, fact: false });
  }

  /** Records what the world said; resolves once it is durable. */
  async report(command: SessionCommand): Promise<void> {
    if (command.type === "Heard") this.#observed.alive(this.#state);
    const { letGo } = await this.#enqueue(command, { fact: true });
    // Who let go recorded nothing: the mailbox must not be told to forget it.
    if (letGo) throw new WaybillError("DETACHED", `${this.id} has another owner.`);
  }

  /** Takes in what is no fact. */
  notice(incoming: Exclude<Incoming, { readonly type: "word" }>): void {
    switch (incoming.type) {
      case "alive":
        return this.#observed.alive(this.#state);
      case "caught_up":
        this.#observed.caughtUp(this.#state);
        return this.#reconcile();
      case "activity":
        return this.#show(incoming.activity);
      default:
        incoming satisfies never;
    }
  }

  /** A secret that is split over two pieces of text is found as well. */
  #show(activity: Activity): void {
    const { feed } = this.#parts;
    const show = (text: string): void => {
      if (text !== "") feed.publishActivity(this.id, { type: "text", text });
    };
    if (activity.type === "text") return show(this.#text.push(activity.text));
    show(this.#text.flush());
    feed.publishActivity(this.id, this.#parts.redactor.clean(activity));
  }

  /** Stops acting: no new effect; resolves once those in flight are over or `graceMs` have passed. */
  async detach(graceMs: number): Promise<void> {
    this.#closed = true;
    this.#ticker.set(null);
    this.#flights.cancelAll();
    const over = new AbortController();
    const settled = this.#flights.settled().then(() => this.#working ?? undefined);
    await Promise.race([pause(this.#parts.clock, graceMs, over.signal), settled]);
    over.abort();
  }

  #enqueue(
    command: SessionCommand,
    options: { readonly onceAs?: string; readonly fact: boolean },
  ): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const { onceAs = null, fact } = options;
    const at = this.#parts.clock.now();
    // Everything that is recorded comes out of a command: what is not in it is nowhere.
    const clean = this.#parts.redactor.clean(command);
    this.#queue.push({ command: clean, at, onceAs, fact, resolve, reject });
    this.#working ??= this.#work();
    return promise;
  }

  /** Takes what waits, in batches: one append for many commands. */
  async #work(): Promise<void> {
    await Promise.resolve(); // what comes in the same breath is decided together
    while (this.#queue.length > 0 || (this.#hinted > this.#state.version && !this.#closed)) {
      const batch = takeBatch(this.#queue);
      try {
        if (batch.length === 0) await this.#catchUp();
        else await this.#record(batch);
        this.#troubles = 0;
      } catch (error) {
        // What this release cannot read it does not read by being told again.
        if (batch.length === 0 && failureOf(error).class === "permanent") this.#hinted = 0;
        await this.#recover(batch, error);
      }
      this.#reconcile();
    }
    this.#working = null;
  }

  async #record(waiting: readonly Waiting[]): Promise<void> {
    for (let batch = waiting; ;) {
      // Who was told to let go between the act and its outcome has no right to record it.
      if (this.#epoch === null) batch = leaveFacts(batch);
      const decided = decideBatch(this.#state, batch, this.#parts.ids);
      await refuseAll(decided.refused, this.#state, this.#parts);
      const { kept, events } = decided;
      if (events.length === 0) return settleAll(kept, [], false);

      const fence = fenceFor(batch, this.#epoch);
      const { version } = this.#state;
      const result = await writeEvents(this.#parts.store, this.id, version, events, fence);
      if (result.ok && result.repeated) {
        await this.#catchUp();
        return settleAll(kept, [], true);
      }
      if (result.ok) {
        this.#state = decided.state;
        const records = result.events.map((event) => event as unknown as SessionRecord);
        this.#parts.changed(this);
        this.#parts.feed.publish(this.id, records);
        return settleAll(kept, records, false);
      }
      batch = kept.map(({ waiting: each }) => each);
      if (result.reason === "fenced") {
        // It may be this process's again meanwhile, under a newer epoch than the append had.
        if (this.#epoch === fence?.epoch) this.#epoch = null;
        batch = leaveFacts(batch);
      }
      // Somebody else appended: know that too, and decide the same commands again.
      await this.#catchUp();
    }
  }

  /**
   * The store could not take it, or took it and could not say so. Who asked is told; what the world
   * said is kept, and decided again on what the log then says.
   */
  async #recover(batch: readonly Waiting[], error: unknown): Promise<void> {
    this.#queue.unshift(...giveBack(batch, error));
    if (isRepeat(error)) return this.#catchUp();
    this.#troubles += 1;
    const details = { session: this.id, attempt: this.#troubles, error: String(error) };
    this.#parts.logger.error("The store could not append.", details);
    if (this.#closed) {
      this.#queue.length = 0; // the process is going away: the next one sees the world anew
      return;
    }
    await pause(
      this.#parts.clock,
      backOff({ retryMs: 100, retryCapMs: 5_000 }, this.#troubles, this.id),
    );
    await this.#catchUp().catch((cause: unknown) =>
      this.#parts.logger.error("The store could not be read.", {
        ...details,
        error: String(cause),
      }),
    );
  }

  /** Starts what is pending and not in flight, cancels what is no longer pending, sets the clock. */
  #reconcile(): void {
    this.#ticker.set(null);
    if (this.#closed) return;
    if (!this.owned) {
      // Only a newer epoch lets go of a session; its run lives on for the new owner.
      this.#flights.cancelAll();
      return;
    }
    this.#world ??= this.#parts.worldOf(this);
    const world = this.#world;
    if (world === null) return;
    const duties = pending(this.#state, this.#observed.look(this.#state));
    this.#flights.reconcile(duties, (effect, signal) => carryOut(world, effect, signal));
    this.#ticker.set(duties.find((duty) => "at" in duty)?.at ?? null);
  }

  /** Records how an effect ended. One that is still wanted then is put off, never repeated at once. */
  async #landed(key: string, effect: Effect, outcome: Outcome): Promise<void> {
    if (!outcome.ok) return this.#fail(key, effect, failureOf(outcome.error));
    if (outcome.success !== null) {
      const command = { type: "Succeeded", ...outcome.success } as const;
      const { events, letGo } = await this.#enqueue(command, { fact: true });
      if (events.length > 0 || letGo) return;
    }
    if (settlesBy(effect) === "once" || !this.#isPending(key)) return;
    const message = `The effect ${key} ended and is still wanted.`;
    await this.#fail(key, effect, { class: "unknown", code: "EFFECT_UNSETTLED", message });
  }

  async #fail(key: string, effect: Effect, failure: Failure): Promise<void> {
    this.#parts.logger.warn("An effect failed.", { session: this.id, key, ...failure });
    await this.#enqueue({ type: "Failed", key, effect, failure }, { fact: true });
  }

  #isPending(key: string): boolean {
    if (this.#closed || !this.owned) return false;
    return pending(this.#state, this.#observed.look(this.#state)).some((duty) => duty.key === key);
  }
}
