import { failureOf, isWaybillError, type Failure } from "../errors.ts";
import type { Instant, SessionId } from "../ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore, NewEvent } from "../ports/event-store.ts";
import type { Ids } from "../ports/ids.ts";
import type { Incoming } from "../ports/agent-word.ts";
import type { Logger } from "../ports/logger.ts";
import { backOff } from "../session/back-off.ts";
import type { Seen, SessionCommand } from "../session/command.ts";
import { step } from "../session/decide.ts";
import { settlesBy, type Duty, type Effect } from "../session/effect.ts";
import { foldEvents } from "../session/evolve.ts";
import { pending } from "../session/pending.ts";
import { unopened, type Session } from "../session/state.ts";
import { carryOut, type World } from "./carry-out.ts";
import type { Feed } from "./feed.ts";
import { Flights, type Outcome } from "./flights.ts";
import { fromStored, toNewEvent, type SessionRecord } from "./session-record.ts";

/** What a session's loop works with. */
export interface LoopParts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly feed: Feed;
  /** What effects need; null where this process cannot act for the session. */
  readonly worldOf: (loop: SessionLoop) => World | null;
  /** Told after each change of the state. */
  readonly changed: (loop: SessionLoop) => void;
}

/** How a command ended. */
export interface Reply {
  /** What was recorded for it; empty for a repeat. */
  readonly events: readonly SessionRecord[];
  /** The store knew the command's event from before: it is a repeat of something long done. */
  readonly repeated: boolean;
}

interface Waiting {
  readonly command: SessionCommand;
  readonly at: Instant;
  /** A name under which its first event can be recorded only once in the life of the store. */
  readonly onceAs: string | null;
  /** An outcome or observation: tried until it is recorded, since nobody else would say it again. */
  readonly fact: boolean;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One session's life in this process: a serial loop that decides commands, appends the events, and
 * then does what `pending` says. A restart is the same loop from the start.
 */
export class SessionLoop {
  readonly id: SessionId;
  readonly #parts: LoopParts;
  readonly #flights: Flights;
  readonly #queue: Waiting[] = [];
  #state: Session;
  #working: Promise<void> | null = null;
  #epoch: number | null = null;
  #world: World | null = null;
  #seen: { runId: string | null; aliveAt: Instant | null; caughtUpAt: Instant | null };
  #cancelTick: () => void = () => {};
  #troubles = 0;
  #closed = false;

  constructor(id: SessionId, parts: LoopParts) {
    this.id = id;
    this.#parts = parts;
    this.#state = unopened(id);
    this.#seen = { runId: null, aliveAt: null, caughtUpAt: null };
    this.#flights = new Flights((key, effect, outcome) => this.#landed(key, effect, outcome));
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
    const from = this.#state.version + 1;
    let state = this.#state;
    for await (const page of this.#parts.store.read(this.id, { from })) {
      const records = page.map(fromStored).filter((record) => record !== null);
      const version = page.at(-1)?.version ?? state.version;
      state = { ...foldEvents(state, records), version };
    }
    if (state === this.#state) return;
    this.#state = state;
    this.#parts.changed(this);
  }

  /** Acts for the session under this lease's epoch from now on. */
  async own(owner: string, epoch: number, trackerKeys: boolean): Promise<void> {
    this.#epoch = epoch;
    await this.submit({ type: "OwnSession", owner, epoch, trackerKeys });
    this.#reconcile();
  }

  /** Decides the command and resolves once what follows is durable; rejects where it is refused. */
  submit(command: SessionCommand, options: { readonly onceAs?: string } = {}): Promise<Reply> {
    return this.#enqueue(command, { ...options, fact: false });
  }

  /** Stops acting: no new effect; resolves once those in flight are over or `graceMs` have passed. */
  async detach(graceMs: number): Promise<void> {
    this.#closed = true;
    this.#cancelTick();
    this.#flights.cancelAll();
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#parts.clock.after(graceMs, resolve);
    await Promise.race([promise, this.#flights.settled().then(() => this.#working ?? undefined)]);
    cancel();
  }

  #enqueue(
    command: SessionCommand,
    options: { readonly onceAs?: string; readonly fact: boolean },
  ): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const { onceAs = null, fact } = options;
    const at = this.#parts.clock.now();
    this.#queue.push({ command, at, onceAs, fact, resolve, reject });
    this.#working ??= this.#work();
    return promise;
  }

  /** Records how an effect ended. One that is still wanted after that is put off, never repeated at once. */
  async #landed(key: string, effect: Effect, outcome: Outcome): Promise<void> {
    if (!outcome.ok) {
      await this.#fail(key, effect, failureOf(outcome.error));
      return;
    }
    if (outcome.success !== null) {
      const { events } = await this.#enqueue({ type: "Succeeded", ...outcome.success }, { fact: true });
      if (events.length > 0) return;
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
    return pending(this.#state, this.#look()).some((duty) => duty.key === key);
  }

  /** Takes what waits, in batches: one append for many commands. */
  async #work(): Promise<void> {
    await Promise.resolve(); // what comes in the same breath is decided together
    while (this.#queue.length > 0) {
      const batch = this.#takeBatch();
      try {
        await this.#record(batch);
        this.#troubles = 0;
      } catch (error) {
        await this.#recover(batch, error);
      }
      this.#reconcile();
    }
    this.#working = null;
  }

  /** A command that may be a repeat of something long done is appended alone. */
  #takeBatch(): Waiting[] {
    const alone = this.#queue.findIndex(({ onceAs }) => onceAs !== null);
    if (alone === -1) return this.#queue.splice(0);
    return this.#queue.splice(0, Math.max(alone, 1));
  }

  async #record(waiting: readonly Waiting[]): Promise<void> {
    for (let batch = waiting; ; ) {
      const decided = this.#decide(batch);
      for (const refused of decided.refused) await this.#refuse(refused.waiting, refused.error);
      if (decided.events.length === 0) {
        for (const each of decided.kept) each.waiting.resolve({ events: [], repeated: false });
        return;
      }
      const expected = this.#state.version === 0 ? "none" : this.#state.version;
      const result = await this.#parts.store.append(this.id, expected, decided.events);
      if (!result.ok) {
        // Somebody else appended: know that too, and decide the same commands again.
        await this.load();
        batch = decided.kept.map(({ waiting }) => waiting);
        continue;
      }
      if (result.repeated) {
        await this.load();
        for (const each of decided.kept) each.waiting.resolve({ events: [], repeated: true });
        return;
      }
      this.#state = decided.state;
      const records = result.events.map((event) => event as unknown as SessionRecord);
      this.#parts.changed(this);
      this.#parts.feed.publish(this.id, records);
      for (const { waiting: each, from, to } of decided.kept) {
        each.resolve({ events: records.slice(from, to), repeated: false });
      }
      return;
    }
  }

  #decide(batch: readonly Waiting[]): {
    readonly state: Session;
    readonly events: readonly NewEvent[];
    readonly kept: readonly { readonly waiting: Waiting; readonly from: number; readonly to: number }[];
    readonly refused: readonly { readonly waiting: Waiting; readonly error: unknown }[];
  } {
    let state = this.#state;
    const events: NewEvent[] = [];
    const kept: { waiting: Waiting; from: number; to: number }[] = [];
    const refused: { waiting: Waiting; error: unknown }[] = [];
    for (const waiting of batch) {
      const { command, at, onceAs } = waiting;
      try {
        const next = step({ ...command, at }, state);
        const from = events.length;
        for (const event of next.events) {
          const own = onceAs !== null && event.type === "MessageQueued";
          const id = own ? `${this.id}/${onceAs}` : this.#parts.ids.uuid();
          events.push(toNewEvent(event, { id, recordedAt: next.now, causation: command.type }));
        }
        state = next.state;
        kept.push({ waiting, from, to: events.length });
      } catch (error) {
        refused.push({ waiting, error }); // a refusal concerns its own command alone
      }
    }
    return { state, events, kept, refused };
  }

  /** The repeat of something that was recorded long ago is no mistake, whatever became of the session. */
  async #refuse(waiting: Waiting, error: unknown): Promise<void> {
    const { onceAs } = waiting;
    const repeated = onceAs !== null && (await this.#isRecorded(`${this.id}/${onceAs}`));
    if (repeated) waiting.resolve({ events: [], repeated });
    else waiting.reject(error);
  }

  async #isRecorded(eventId: string): Promise<boolean> {
    for await (const page of this.#parts.store.read(this.id)) {
      if (page.some(({ id }) => id === eventId)) return true;
    }
    return false;
  }

  /**
   * The store could not take it, or took it and could not say so. Who asked is told; what the world
   * said is kept, and decided again on what the log then says.
   */
  async #recover(batch: readonly Waiting[], error: unknown): Promise<void> {
    const repeat = isWaybillError(error) && error.code === "EVENT_ID_REUSED";
    for (const waiting of batch) {
      if (repeat && waiting.onceAs !== null) waiting.resolve({ events: [], repeated: true });
      else if (!waiting.fact) waiting.reject(error);
    }
    if (repeat) return this.load();
    this.#queue.unshift(...batch.filter(({ fact }) => fact));
    this.#troubles += 1;
    this.#parts.logger.error("The store could not append.", {
      session: this.id,
      attempt: this.#troubles,
      error: failureOf(error).message,
    });
    if (this.#closed) {
      this.#queue.length = 0; // the process is going away: the next one sees the world anew
      return;
    }
    await this.#pause(backOff({ retryMs: 100, retryCapMs: 5_000 }, this.#troubles, this.id));
    await this.load().catch((cause: unknown) =>
      this.#parts.logger.error("The store could not be read.", { session: this.id, error: String(cause) }),
    );
  }

  #pause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#parts.clock.after(delayMs, resolve);
    return promise;
  }

  /** Starts what is pending and not in flight, cancels what is no longer pending, sets the clock. */
  #reconcile(): void {
    this.#cancelTick();
    if (this.#closed) return;
    if (!this.owned) {
      // Only a newer epoch lets go of a session; its run lives on for the new owner.
      this.#flights.cancelAll();
      return;
    }
    this.#world ??= this.#parts.worldOf(this);
    const world = this.#world;
    if (world === null) return;
    const duties = pending(this.#state, this.#look());
    this.#flights.reconcile(duties, (effect, signal) => carryOut(world, effect, signal));
    this.#setTick(duties);
  }

  #setTick(duties: readonly Duty[]): void {
    for (const duty of duties) {
      if (!("at" in duty)) continue;
      const delay = duty.at - this.#parts.clock.now();
      this.#cancelTick = this.#parts.clock.after(Math.max(delay, 0), () => {
        void this.#enqueue({ type: "Tick", seen: this.#look() }, { fact: true });
      });
    }
  }

  /** What was observed of the present run. */
  #look(): Seen {
    const runId = this.#state.run?.trace.runId ?? null;
    if (this.#seen.runId !== runId) this.#seen = { runId, aliveAt: null, caughtUpAt: null };
    const { aliveAt, caughtUpAt } = this.#seen;
    return { now: Math.max(this.#parts.clock.now(), this.#state.now), aliveAt, caughtUpAt };
  }

  /** Takes in what is no fact. */
  notice(incoming: Exclude<Incoming, { readonly type: "word" }>): void {
    this.#look();
    switch (incoming.type) {
      case "alive":
        this.#seen.aliveAt = this.#parts.clock.now();
        return;
      case "caught_up":
        this.#seen.caughtUpAt ??= this.#parts.clock.now();
        return this.#reconcile();
      case "activity":
        return this.#parts.feed.publishActivity(this.id, incoming.activity);
      default:
        incoming satisfies never;
    }
  }

  /** Records what the world said; resolves once it is durable. */
  async report(command: SessionCommand): Promise<void> {
    await this.#enqueue(command, { fact: true });
  }
}
