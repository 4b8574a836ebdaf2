// Tells a session's story decision by decision: what was asked, which events followed, what changed in
// the state, what is pending then. All of it as text, so that a change of behaviour reads as a diff.
import { isDeepStrictEqual } from "node:util";
import {
  defaultPolicy,
  isIdle,
  isWaybillError,
  pending,
  statusOf,
  step,
  unopened,
  type AgentWord,
  type Duty,
  type Effect,
  type Failure,
  type Policy,
  type RunExit,
  type Seen,
  type Session,
  type SessionCommand,
  type Success,
} from "@waybill/core";

type OpenSession = Extract<SessionCommand, { readonly type: "OpenSession" }>;

/** A failure of an effect. */
export function failure(kind: Failure["class"], more: Partial<Failure> = {}): Failure {
  return { class: kind, code: "FAULT", message: "A fault.", ...more };
}

/** One story, as it is played. */
export class Story {
  /** What was told so far. */
  readonly lines: string[] = [];
  state: Session = unopened("s");
  /** The present instant. */
  now = 1_000_000;
  /** What the orchestrator has seen of the run. */
  seen: { aliveAt: number | null; caughtUpAt: number | null } = { aliveAt: null, caughtUpAt: null };
  #words = 0;
  #known = new Set<string>();
  #pending = "";

  /** Gives a command. */
  give(command: SessionCommand): this {
    const before = this.state;
    this.lines.push(titleOf(command));
    try {
      const { events, state, now } = step({ ...command, at: this.now }, before);
      this.state = state;
      this.lines.push(
        `  at ${now}`,
        ...events.map(({ type, data }) => `  + ${type} ${tell(data)}`),
      );
      if (events.length > 0) this.#tellChanges(before);
    } catch (error) {
      if (!isWaybillError(error)) throw error;
      this.lines.push(`  refused: ${error.code} (${error.class}) ${error.message}`);
    }
    this.#tellDuties();
    return this;
  }

  open(policy: Partial<Policy> = {}, more: Partial<OpenSession> = {}): this {
    return this.give({
      type: "OpenSession",
      agent: { slug: "coder", name: "Кодер" },
      conversation: "c-1",
      scope: { chats: ["7"], tasks: ["42"] },
      policy: { ...defaultPolicy, ...policy },
      priority: 0,
      tenant: null,
      forkedFrom: null,
      ...more,
    });
  }

  own(epoch = 1, trackerKeys = true): this {
    this.seen = { aliveAt: null, caughtUpAt: null };
    return this.give({ type: "OwnSession", owner: `owner-${epoch}`, epoch, trackerKeys });
  }

  /** An owner takes over that reaches one host and one place of folders. */
  at(host: string, folders: string, runLeaseMs?: number): this {
    this.seen = { aliveAt: null, caughtUpAt: null };
    const epoch = (this.state.owner?.epoch ?? 0) + 1;
    const lease = runLeaseMs === undefined ? {} : { runLeaseMs };
    const owner = { owner: `owner-${epoch}`, epoch, trackerKeys: true };
    return this.give({ type: "OwnSession", ...owner, site: { host, folders }, ...lease });
  }

  /** An owner with a policy takes over. */
  authorised(epoch = 2): this {
    return this.give({
      type: "OwnSession",
      owner: `owner-${epoch}`,
      epoch,
      trackerKeys: true,
      authorises: true,
    });
  }

  send(messageId = "m1", text = "go"): this {
    return this.give({ type: "SendMessage", messageId, text, from: "Ada" });
  }

  admit(runId = "run-1", protocol: 0 | 1 = 1): this {
    this.#words = 0;
    return this.give({ type: "AdmitRun", runId, protocol });
  }

  /** The pending effect whose key holds this text succeeds. */
  ok(key: string, value: Success["value"] = null): this {
    const { effect } = this.#find(key);
    return this.give({ type: "Succeeded", effect, value } as SessionCommand);
  }

  /** It fails. */
  fail(key: string, why: Failure = failure("transient")): this {
    return this.give({ type: "Failed", ...this.#find(key), failure: why });
  }

  /** The present run says this; or the run that is named. */
  hear(word: AgentWord, runId = this.state.run?.trace.runId ?? "run-1"): this {
    this.#words += 1;
    const offset = this.state.run?.trace.protocol === 0 ? this.#words * 10 : 0;
    const mark = { seq: this.#words, offset };
    return this.give({ type: "Heard", runId, words: [{ type: "word", mark, at: 0, word }] });
  }

  hello(context: "fresh" | "resumed" | "lost" = "fresh", holds: readonly string[] = []): this {
    return this.hear({ type: "hello", agent: "model", context, holds });
  }

  accepted(message = "m1", turn = "t1"): this {
    return this.hear({ type: "accepted", turn, message });
  }

  ended(turn = "t1", more: Partial<Extract<AgentWord, { type: "turn_ended" }>> = {}): this {
    return this.hear({ type: "turn_ended", turn, outcome: "completed", text: "done", ...more });
  }

  asks(operation: Extract<AgentWord, { type: "operation" }>["operation"]): this {
    return this.hear({ type: "operation", operation });
  }

  exits(exit: Partial<RunExit> = {}): this {
    const runId = this.state.run?.trace.runId ?? "run-1";
    const whole = { exitCode: 0, signal: null, oomKilled: false, ...exit };
    return this.give({ type: "RunEnded", runId, exit: whole });
  }

  /** A run of its own has said hello and has the message in hand: how, other stories tell. */
  begun(policy: Partial<Policy> = {}, more: Partial<OpenSession> = {}): this {
    this.open(policy, more).own().send().admit();
    this.ok("/start", { host: "h", handle: "x", already: false }).hello().ok("/put:m1");
    this.lines.splice(0);
    return this;
  }

  /** The run is over, with all that follows. */
  over(exit: Partial<RunExit> = {}): this {
    return this.exits(exit).ok("/drain").ok("/remove");
  }

  /** Time passes, and somebody looks at the clock. */
  tick(ms: number, seen: Partial<Seen> = this.seen): this {
    this.now += ms;
    return this.give({
      type: "Tick",
      seen: { now: this.now, aliveAt: null, caughtUpAt: null, ...seen },
    });
  }

  /** From now on everything that the run said before is known. */
  caughtUp(): this {
    this.seen = { ...this.seen, caughtUpAt: this.now };
    this.#tellDuties();
    return this;
  }

  #find(key: string): { readonly key: string; readonly effect: Effect } {
    for (const duty of this.#duties()) {
      if ("effect" in duty && duty.key.includes(key)) return duty;
    }
    throw new Error(`Nothing like "${key}" is pending:\n${this.lines.slice(-12).join("\n")}`);
  }

  #duties(): readonly Duty[] {
    return pending(this.state, { now: Math.max(this.now, this.state.now), ...this.seen });
  }

  #tellChanges(before: Session): void {
    for (const [region, value] of Object.entries(this.state)) {
      if (region === "version" || region === "now") continue;
      const was = before[region as keyof Session];
      if (!isDeepStrictEqual(value, was))
        this.lines.push(`  ~ ${region} ${tell(changeOf(was, value))}`);
    }
    this.lines.push(`  = ${statusOf(this.state)}${isIdle(this.state) ? ", idle" : ""}`);
  }

  /** What is pending by name, and in full where it is new. */
  #tellDuties(): void {
    const duties = this.#duties();
    const names = duties.map((duty) => ("at" in duty ? `tick ${duty.at}` : duty.key));
    const line = `  ? ${names.join(", ") || "nothing"}`;
    if (line !== this.#pending) this.lines.push(line);
    this.#pending = line;
    for (const duty of duties) {
      if (!("effect" in duty) || this.#known.has(duty.key)) continue;
      this.#known.add(duty.key);
      this.lines.push(`    ${duty.key} ${tell(duty.effect)}`);
    }
  }
}

function titleOf(command: SessionCommand): string {
  const { type, ...rest } = command;
  if (command.type === "Heard")
    return `Heard ${command.words.map(({ mark, word }) => `${tell(mark)} ${tell(word)}`).join(", ")}`;
  if (!("effect" in command)) return `${type} ${tell(rest)}`;
  const { effect, ...result } = rest as { readonly effect: Effect };
  return `${type} ${effect.type} ${tell(result)}`;
}

/** What is new: whole values, and of records and maps only the parts that changed. */
function changeOf(was: unknown, is: unknown): unknown {
  const before = partsOf(was);
  const after = partsOf(is);
  if (before === null || after === null) return is;
  const parts = [...after].flatMap(([name, part]) => {
    const old = before.get(name);
    return isDeepStrictEqual(old, part) ? [] : [[name, changeOf(old, part)] as const];
  });
  const gone = [...before.keys()].flatMap((name) => (after.has(name) ? [] : [[name, "gone"]]));
  return Object.fromEntries([...parts, ...gone]);
}

function partsOf(value: unknown): ReadonlyMap<string, unknown> | null {
  if (value instanceof Map) return value as ReadonlyMap<string, unknown>;
  if (value === null || typeof value !== "object" || Array.isArray(value)) return null;
  return new Map(Object.entries(value));
}

/** As JSON; of a policy, what is not as by default. */
function tell(value: unknown): string {
  return JSON.stringify(value, (name, part: unknown) => {
    if (name === "policy") return changeOf(defaultPolicy, part);
    // A run's request is told where it is made.
    if (name === "run" && part !== null && typeof part === "object" && "runId" in part)
      return part.runId;
    return part instanceof Map ? Object.fromEntries(part) : part;
  });
}
