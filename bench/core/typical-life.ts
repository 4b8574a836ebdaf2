import {
  defaultPolicy,
  eventSchemas,
  pending,
  step,
  unopened,
  type AgentWord,
  type Effect,
  type NewEvent,
  type Recorded,
  type Session,
  type SessionCommand,
  type SessionEvent,
  type Timed,
} from "@waybill/core";

/** A command as it was given, with the state that it met. */
export interface Given {
  readonly command: Timed;
  readonly state: Session;
}

/**
 * A session that goes as most do, made by the pure core itself: each message is handed over, taken,
 * asks for one operation and is answered; nine events. In the end its run is over, and it is idle.
 */
export function typicalLife(
  messages: number,
  told: { readonly given?: (given: Given) => void } = {},
): readonly Recorded<SessionEvent>[] {
  const life = new Life(told.given ?? (() => {}));
  life.give({
    type: "OpenSession",
    agent: { slug: "coder", name: "Кодер" },
    conversation: "c-1",
    scope: { chats: ["7"], tasks: "any" },
    policy: defaultPolicy,
    priority: 0,
    tenant: null,
    forkedFrom: null,
  });
  life.give({ type: "OwnSession", owner: "one", epoch: 1, trackerKeys: true });
  for (let message = 1; message <= messages; message += 1) {
    life.give({ type: "SendMessage", messageId: `m${message}`, text: "Go on.", from: null });
    life.flow();
  }
  life.give({ type: "StopRun", reason: "asked" });
  life.flow();
  return life.log;
}

/** The same as a store takes it. */
export function asNewEvents(
  log: readonly Recorded<SessionEvent>[],
  idPrefix: string,
): readonly NewEvent[] {
  return log.map(({ type, data, recordedAt }, index) => ({
    id: `${idPrefix}-${index}`,
    type,
    data: JSON.parse(JSON.stringify(data)) as NewEvent["data"],
    schema: eventSchemas[type],
    recordedAt,
    causation: null,
    mustUnderstand: true,
  }));
}

class Life {
  readonly log: Recorded<SessionEvent>[] = [];
  readonly #told: (given: Given) => void;
  #state: Session = unopened("s");
  #now = 1_700_000_000_000;
  #said = 0;
  #turns = 0;

  constructor(told: (given: Given) => void) {
    this.#told = told;
  }

  give(command: SessionCommand): void {
    const timed = { ...command, at: (this.#now += 5) };
    this.#told({ command: timed, state: this.#state });
    const { events, state, now } = step(timed, this.#state);
    this.#state = state;
    for (const event of events) this.log.push({ ...event, recordedAt: now });
  }

  /** Everybody does what is outstanding, until nothing is. */
  flow(): void {
    for (let isBusy = true; isBusy;) {
      const { version } = this.#state;
      const seen = { now: this.#now, aliveAt: this.#now, caughtUpAt: null };
      for (const duty of pending(this.#state, seen)) if ("effect" in duty) this.#do(duty.effect);
      isBusy = this.#state.version > version;
    }
  }

  #do(effect: Effect): void {
    switch (effect.type) {
      case "admit":
        return this.give({ type: "AdmitRun", runId: "run-1", protocol: 1 });
      case "start":
        this.give({
          type: "Succeeded",
          effect,
          value: { host: "here", handle: "run-1", already: false },
        });
        return this.#say({ type: "hello", agent: "model", context: "fresh", holds: [] });
      case "put": {
        this.give({ type: "Succeeded", effect, value: null });
        this.#turns += 1;
        const turn = `t${this.#turns}`;
        this.#say({ type: "accepted", turn, message: effect.messageId });
        this.#say({
          type: "operation",
          operation: { type: "chat.send", chat: "7", content: "Under way." },
        });
        this.flow();
        return this.#say({ type: "turn_ended", turn, outcome: "completed", text: "Done." });
      }
      case "perform": {
        const value = { id: "r", at: null, repeated: false, data: null };
        return this.give({ type: "Succeeded", effect, value });
      }
      case "stop":
        return this.give({
          type: "Succeeded",
          effect,
          value: { exitCode: 0, signal: null, oomKilled: false },
        });
      case "answer":
      case "drain":
      case "remove":
        return this.give({ type: "Succeeded", effect, value: null });
      default:
    }
  }

  #say(word: AgentWord): void {
    this.#said += 1;
    const mark = { seq: this.#said, offset: 0 };
    this.give({
      type: "Heard",
      runId: "run-1",
      words: [{ type: "word", mark, at: this.#now, word }],
    });
  }
}
