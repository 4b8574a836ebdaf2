// Plays a life: makes a command of each move, gives it to the core, and does in the world what the
// core wants done. What it checks after each step stands in invariants.ts.
import {
  defaultPolicy,
  isWaybillError,
  pending,
  step,
  unopened,
  type Duty,
  type Effect,
  type Verdict,
  type Failure,
  type Policy,
  type Recorded,
  type RunTrace,
  type Site,
  type Seen,
  type Session,
  type SessionCommand,
  type SessionEvent,
  type TurnError,
  type MeterReading,
} from "@waybill/core";
import { agentStep, babble } from "./agent.ts";
import { checkRefusal, checkReplay, checkStep, checkWorld } from "./invariants.ts";
import { Ledger, type Book } from "@waybill/core/testing";
import { Board, Machine, type Process } from "./machine.ts";
import type { How, Life, Move } from "./moves.ts";

/** What a story leaves out. */
const tooLong = new Set([
  "policy",
  "scope",
  "agent",
  "conversation",
  "unsettled",
  "graceMs",
  "prompt",
]);

type EffectDuty = Extract<Duty, { readonly effect: Effect }>;

const policies: readonly Policy[] = [
  { ...defaultPolicy, queue: 4, operations: 2, failures: 3, startAttempts: 2, budgetUsd: 1 },
  { ...defaultPolicy, failures: 2, operationMs: 20_000, approve: ["task.comment", "task.take"] },
  { ...defaultPolicy, turnMs: null, closeMs: 300_000, stallMs: 20_000, budgetUsd: 0.5 },
  { ...defaultPolicy, approvalMs: 60_000, approve: ["chat.send"], turnMs: 120_000, idleMs: 30_000 },
  { ...defaultPolicy, operationMs: 5_000, retryMs: 2_000 },
];

/** Outcomes on their way. */
interface Letter {
  readonly key: string;
  /** Of whoever carried the effect out. */
  readonly epoch: number;
  readonly commands: readonly SessionCommand[];
}

/** One life of one session. */
export class Player {
  state: Session = unopened("s");
  readonly #ledger: Ledger = new Ledger();
  readonly log: Recorded<SessionEvent>[] = [];
  readonly machine: Machine = new Machine();
  readonly board: Board = new Board();
  readonly keys: boolean;
  /** What happened so far, a line for each command: for whoever reads a counterexample. */
  readonly story: string[] = [];
  /** How many commands were given so far. */
  commands = 0;
  now = 1_700_000_000_000;
  readonly #life: Life;
  readonly #traces = new Map<string, RunTrace>();
  /** Outcomes that have not arrived. */
  readonly #mail: Letter[] = [];
  readonly #arrived: SessionCommand[] = [];
  readonly #effects: EffectDuty[] = [];
  /** Effects that an earlier owner was about to carry out when it froze. */
  readonly #frozen: EffectDuty[] = [];
  /** What was done at the board by somebody who woke late: nobody can know of it. */
  readonly late: Set<string> = new Set();
  #seen: { runId: string | null; aliveAt: number | null; caughtUpAt: number | null } = {
    runId: null,
    aliveAt: null,
    caughtUpAt: null,
  };
  #hasBabbled = false;
  #epoch = 0;
  /** When the present owner took over. */
  #takenAt = 0;
  #runs = 0;
  /** What the gateway has seen so far. */
  readonly #books: MeterReading[] = [];
  #beat = 0;

  constructor(life: Life) {
    this.#life = life;
    this.keys = life.keys;
  }

  /** What the log comes to, by the ledger. */
  get book(): Book {
    return this.#ledger.book;
  }

  /** Plays the move. */
  play(move: Move): void {
    switch (move.move) {
      case "rest":
        return;
      case "open":
        return this.#open(move.asAnother);
      case "own":
        return this.#own(this.#epoch + move.by, move.asThief ? "thief" : "owner");
      case "crash":
        this.#mail.length = 0;
        return this.#own(this.#epoch + 1);
      case "send":
        return this.#send(`m${move.pick}`);
      case "interrupt":
        return void this.give({ type: "InterruptTurn" });
      case "close":
        return void this.give({ type: "CloseSession", outcome: move.outcome });
      case "stopRun":
        return void this.give({ type: "StopRun", reason: move.reason });
      case "unpark":
        return void this.give({ type: "Unpark" });
      case "raise":
        return void this.give({ type: "RaiseBudget", capUsd: move.usd });
      case "erase":
        return void this.give({ type: "EraseSession", by: "Ada" });
      case "agentBudget":
        return void this.give(
          move.spent
            ? { type: "HoldForAgent", spentUsd: 9, capUsd: 8 }
            : { type: "ReleaseForAgent", capUsd: null },
        );
      case "approve":
        return this.#approve(move.pick, move.granted);
      case "redrive":
        return this.#redrive(move.pick);
      case "pass":
        this.now += move.ms;
        this.#endLeases();
        return;
      case "tick":
        return this.#tick(move);
      case "do":
        return this.#do(pickFrom(this.#free(), move.pick), move.how, move.pick);
      case "flow":
        return this.#flow(move.rounds, move.costUsd);
      case "board":
        return this.#do(pickFrom(this.#atBoard(), move.pick), move.how, move.pick);
      case "wait":
        return this.#wait({ ...move, backMs: 0 });
      case "hold":
        return this.#hold(
          pickFrom(move.atBoard ? this.#atBoard() : this.#free(), move.pick),
          move.pick,
        );
      case "arrive":
        return this.#arrive(move.pick);
      case "again":
        return this.#again(pickFrom(this.#arrived, move.pick));
      case "zombie":
        return this.#zombie(pickFrom(this.#frozen, move.pick));
      case "stranger":
        return this.#stranger(pickFrom(this.#effects, move.pick));
      case "look":
        return this.#sight();
      case "agent":
        return this.#agent(move.steps, move.costUsd, this.#turnError(move.fails));
      case "babble":
        return this.#babble(move.pick);
      case "die":
        return this.#die(move.code);
      case "forget":
        return this.machine.transcript.clear();
      default:
        move satisfies never;
    }
  }

  /** Begins the life. */
  begin(): void {
    this.#open(false);
    if (this.#life.calm === 0) return;
    this.#send("m0");
    this.#flow(this.#life.calm, null);
  }

  /** Gives the command and checks what follows; false where it was refused. */
  give(command: SessionCommand, at: number = this.now): boolean {
    const before = this.state;
    const timed = { ...command, at };
    this.commands += 1;
    try {
      const taken = step(timed, before);
      for (const event of taken.events) {
        this.#ledger.enter(event);
        this.log.push({ ...event, recordedAt: taken.now });
        if (event.type === "RunRequested") this.#newRun(taken.state);
      }
      this.state = taken.state;
      this.#tell(command, taken.events.map(({ type }) => type).join(" ") || "nothing");
      checkStep({ before, command: timed, step: taken, book: this.book, seen: this.look() });
      return true;
    } catch (error) {
      if (!isWaybillError(error)) throw error;
      this.#tell(command, `refused: ${error.code}`);
      checkRefusal(timed, before, error.code);
      return false;
    }
  }

  #tell(command: SessionCommand, outcome: string): void {
    const { type, ...rest } = command;
    const words = JSON.stringify(rest, (name, value: unknown) =>
      tooLong.has(name) ? undefined : value,
    );
    const line = `${type} ${words} -> ${outcome}`;
    if (line !== this.story.at(-1)) this.story.push(line);
  }

  /** What an orchestrator would have seen of the present run. */
  look(): Seen {
    const runId = this.state.run?.trace.runId ?? null;
    if (this.#seen.runId !== runId) this.#seen = { runId, aliveAt: null, caughtUpAt: null };
    const { aliveAt, caughtUpAt } = this.#seen;
    return { now: Math.max(this.now, this.state.now), aliveAt, caughtUpAt };
  }

  /** From wherever the life led: everybody behaves from now on, and the session is closed. */
  finish(): void {
    const { type } = this.state.life;
    if (type === "unopened" || type === "erased") return;
    const { length } = this.log;
    this.#comeToAnEnd();
    // Protocol 0 does not say which message it answers: one that was put in doubt may take longer.
    if (type !== "open" || this.#hasBabbled || this.#life.protocol === 0) return;
    const rest = this.log.slice(length);
    // A limit may end after the time for closing.
    if (rest.some((event) => event.type === "SessionParked")) return;
    const late = rest.some((event) => event.type === "CloseExpired");
    if (late) throw new Error("Where everybody behaves, closing takes no more than its time.");
  }

  #comeToAnEnd(): void {
    this.#mail.length = 0;
    this.#own(this.#epoch + 1);
    this.give({ type: "Unpark" });
    this.give({ type: "RaiseBudget", capUsd: null });
    this.give({ type: "ReleaseForAgent", capUsd: null });
    this.give({ type: "CloseSession", outcome: "closed" });
    this.#tick({ caughtUp: true, alive: true, backMs: 0 });
    let idle = 0;
    for (
      let round = 0;
      this.state.life.type !== "ended" && this.state.life.type !== "erased";
      round += 1
    ) {
      if (round > 800)
        throw new Error(`The session does not end: ${this.book.outstanding().join(", ")}.`);
      const duties = this.#pending();
      this.#agent(20, null);
      for (const { operation } of this.state.approvals.values())
        this.#decideApproval(operation.id, true);
      const { length } = this.log;
      for (const duty of duties) if ("effect" in duty) this.#do(duty, "well", 3);
      idle = this.log.length === length ? idle + 1 : 0;
      // What was put into the agent's inbox brings its answer in the next round.
      if (idle > 1) this.#wait({ caughtUp: true, alive: true, backMs: 0 });
    }
  }

  /** What holds at the end of a life. */
  check(): void {
    checkReplay(this.log, this.state);
    checkWorld(this);
  }

  #wait(seen: {
    readonly caughtUp: boolean;
    readonly alive: boolean;
    readonly backMs: number;
  }): void {
    for (const duty of this.#pending()) if ("at" in duty) this.now = Math.max(this.now, duty.at);
    this.#tick(seen);
  }

  #pending(): readonly Duty[] {
    return pending(this.state, this.look());
  }

  /** What is pending and not in flight. */
  #free(): readonly EffectDuty[] {
    // What an earlier owner has in flight is nothing that the present one knows of.
    const own = this.#mail.filter(({ epoch }) => epoch === this.#epoch);
    const held = new Set(own.map(({ key }) => key));
    return this.#pending().flatMap((duty) =>
      "effect" in duty && !held.has(duty.key) ? [duty] : [],
    );
  }

  /** Opens the session, the first time for an owner; or tries to, for an agent that it does not have. */
  #open(asAnother: boolean): void {
    const { policy: number } = this.#life;
    const fork = { sessionId: "parent", conversation: "c-0", transcriptId: "x" };
    this.give({
      type: "OpenSession",
      agent: { slug: asAnother ? "writer" : "coder", name: "Кодер" },
      conversation: "c-1",
      scope: { chats: ["7"], tasks: "any" },
      policy: policies[number] ?? defaultPolicy,
      priority: 0,
      tenant: null,
      forkedFrom: number === 1 ? fork : null,
    });
    if (this.#epoch === 0) this.#own(1);
  }

  #own(epoch: number, name = "owner"): void {
    const free = this.#free();
    const isTaken = this.give({
      type: "OwnSession",
      owner: `${name}-${epoch}`,
      epoch,
      trackerKeys: this.keys,
      // Owners with a policy and owners without one follow each other.
      ...(this.#life.policy > 0 && epoch % 2 === 1 ? { authorises: true } : {}),
      ...this.#place(epoch),
    });
    if (!isTaken || epoch <= this.#epoch) return;
    this.#epoch = epoch;
    this.#takenAt = this.now;
    this.#frozen.push(...free);
    this.#seen = { runId: null, aliveAt: null, caughtUpAt: null };
  }

  /** In lives of one policy owners are on two hosts that share their folders. */
  #place(epoch: number): { readonly site?: Site; readonly runLeaseMs?: number } {
    if (this.#life.policy !== 3) return {};
    const host = epoch % 3 === 0 ? "host-b" : "host-a";
    return { site: { host, folders: "shared" }, runLeaseMs: 60_000 };
  }

  /** When the run's lease ends: whom it was held by holds it for as long as nobody else owns. */
  #leaseEnd({ id }: Process): number {
    const trace = this.#traces.get(id);
    if (trace?.leaseMs === undefined) return Infinity;
    const isHeld = trace.site?.host === this.state.owner?.site?.host;
    return isHeld ? Infinity : this.#takenAt + trace.leaseMs;
  }

  /** A process whose lease has ended ends itself, whoever watches. */
  #endLeases(): void {
    for (const process of this.machine.processes.values())
      if (this.now >= this.#leaseEnd(process))
        this.machine.end(process, { exitCode: null, signal: "SIGTERM", oomKilled: false });
  }

  /** The store takes a message once, also long after it was answered: then it is another's turn. */
  #send(name: string): void {
    const messageId = this.book.fates.has(name) ? `${name}-${this.log.length}` : name;
    this.give({ type: "SendMessage", messageId, text: "go", from: null });
  }

  #atBoard(): readonly EffectDuty[] {
    return this.#free().filter(
      ({ effect }) => effect.type === "perform" || effect.type === "lookup",
    );
  }

  #approve(pick: number, granted: boolean): void {
    const id = pickFrom([...this.state.approvals.keys()], pick);
    if (id !== undefined) this.#decideApproval(id, granted);
  }

  #decideApproval(operationId: string, granted: boolean): void {
    const asked = this.state.approvals.get(operationId)?.operation.operation;
    if (granted && asked?.type === "person.ask")
      return void this.give({ type: "AnswerQuestion", operationId, text: "This one.", by: "Ada" });
    this.give({ type: "DecideApproval", operationId, granted, by: "Ada", reason: "No." });
  }

  #redrive(pick: number): void {
    const operationId =
      pickFrom([...this.state.deadLetters.keys(), ...this.book.ends.keys()], pick) ?? "s/nobody/1";
    this.give({ type: "RedriveOperation", operationId });
  }

  #tick({
    caughtUp,
    alive,
    backMs,
  }: {
    readonly caughtUp: boolean;
    readonly alive: boolean;
    readonly backMs: number;
  }): void {
    this.#endLeases();
    this.look();
    if (caughtUp) this.#seen.caughtUpAt ??= this.now;
    if (alive) this.#seen.aliveAt = this.now;
    this.give({ type: "Tick", seen: this.look() }, this.now - backMs);
  }

  #flow(rounds: number, costUsd: number | null): void {
    for (let round = 0; round < rounds; round += 1) {
      for (const duty of this.#free()) this.#do(duty, "well", 3);
      this.#agent(2, costUsd);
    }
  }

  #do(duty: EffectDuty | undefined, how: How, pick: number): void {
    if (duty === undefined) return;
    this.#effects.push(duty);
    for (const command of this.#outcomes(duty, how, pick)) this.#deliver(command);
  }

  #hold(duty: EffectDuty | undefined, pick: number): void {
    if (duty === undefined) return;
    this.#effects.push(duty);
    const commands = this.#outcomes(duty, "well", pick);
    this.#mail.push({ key: duty.key, epoch: this.#epoch, commands });
  }

  #arrive(pick: number): void {
    if (this.#mail.length === 0) return;
    const [letter] = this.#mail.splice(pick % this.#mail.length, 1);
    for (const command of letter?.commands ?? []) this.#deliver(command);
  }

  #deliver(command: SessionCommand): void {
    this.#arrived.push(command);
    this.give(command);
  }

  /** A loop asks for each run once: its own request is recorded, or lost with the process. */
  #again(command: SessionCommand | undefined): void {
    if (command === undefined) return;
    const isOld =
      command.type === "AdmitRun" &&
      this.book.runs.has(command.runId) &&
      this.book.run?.id !== command.runId;
    if (!isOld) this.give(command);
  }

  /** Without keys nobody can keep a stale caller from a second write: that is no promise of ours. */
  #zombie(duty: EffectDuty | undefined): void {
    if (duty === undefined) return;
    const { effect } = duty;
    if (effect.type === "perform") {
      if (!this.keys) return;
      this.late.add(effect.operationId);
    }
    this.#outcomes(duty, "well", 0);
  }

  #stranger(duty: EffectDuty | undefined): void {
    if (duty === undefined || !("run" in duty.effect)) return;
    const run = { ...duty.effect.run, runId: "stranger" };
    this.give({ type: "RunSeen", runId: "stranger" });
    this.give({
      type: "RunEnded",
      runId: "stranger",
      exit: { exitCode: 0, signal: null, oomKilled: false },
    });
    this.give({ type: "RunAbsent", runId: "stranger" });
    if (duty.effect.type === "start") {
      this.give({
        type: "Succeeded",
        effect: { type: "start", run },
        value: { host: "h", handle: "x", already: false },
      });
    } else if (duty.effect.type === "stop") {
      this.give({ type: "Succeeded", effect: { type: "stop", run, graceMs: 1 }, value: null });
    }
    this.give({
      type: "Failed",
      key: "stranger/start",
      effect: { type: "start", run },
      failure: failure("unknown"),
    });
  }

  #sight(): void {
    const { run } = this.state;
    if (run === null) return;
    const { runId } = run.trace;
    const { state, exit } = this.machine.process(runId, run.trace.protocol);
    if (state === "alive") this.give({ type: "RunSeen", runId });
    else if (exit === null) this.give({ type: "RunAbsent", runId });
    else this.give({ type: "RunEnded", runId, exit });
  }

  #agent(steps: number, costUsd: number | null, fails: TurnError | null = null): void {
    const process = this.#alive();
    const trace = process === undefined ? undefined : this.#traces.get(process.id);
    if (process === undefined || trace === undefined) return;
    for (let each = 0; each < steps; each += 1) {
      this.#beat += 1;
      if (!agentStep(this.machine, process, trace, { beat: this.#beat, costUsd, fails })) return;
    }
  }

  #turnError(kind: Extract<Move, { readonly move: "agent" }>["fails"]): TurnError | null {
    if (kind === null) return null;
    const error = { code: "BUSY", message: "Busy." };
    if (kind === "reset") return { ...error, class: "rate", resetsAt: this.now + 3_600_000 };
    return { ...error, class: kind };
  }

  #babble(pick: number): void {
    const process = this.#alive();
    if (process === undefined) return;
    this.#hasBabbled = true;
    this.machine.say(process, babble(pick, [...this.state.messages.keys()]));
  }

  #die(code: number | null): void {
    const process = this.#alive();
    if (process === undefined) return;
    const signal = code === null ? "SIGKILL" : null;
    this.machine.end(process, { exitCode: code, signal, oomKilled: code === null });
  }

  #alive(): Process | undefined {
    return [...this.machine.processes.values()].find(({ state }) => state === "alive");
  }

  #newRun(state: Session): void {
    if (state.run === null) return;
    const { trace } = state.run;
    this.#traces.set(trace.runId, trace);
    const process = this.machine.process(trace.runId, trace.protocol);
    if (trace.prompt !== null) process.inbox.push(trace.prompt.messageId);
  }

  /** Does it in the world, or does not, and tells what the orchestrator would hear. */
  #outcomes({ key, effect }: EffectDuty, how: How, pick: number): readonly SessionCommand[] {
    const failed = (kind: Failure["class"]): SessionCommand => ({
      type: "Failed",
      key,
      effect,
      failure: failure(kind),
    });
    if (how === "transient" || how === "rate" || how === "permanent") return [failed(how)];
    if (how === "doubt") return [failed("unknown")];
    const outcomes = this.#carryOut(key, effect, pick);
    return how === "lost" ? [failed("unknown")] : outcomes;
  }

  #carryOut(key: string, effect: Effect, pick: number): readonly SessionCommand[] {
    switch (effect.type) {
      case "admit":
        this.#runs += 1;
        return [{ type: "AdmitRun", runId: `run-${this.#runs}`, protocol: this.#life.protocol }];
      case "perform": {
        const { operationId, target, operation } = effect;
        const value = this.board.perform(operationId, target, operation, this.keys);
        return [{ type: "Succeeded", effect, value }];
      }
      case "authorise": {
        const value = verdictOn(effect.operationId);
        return [{ type: "Succeeded", effect, value }];
      }
      case "erase":
        return [{ type: "Succeeded", effect, value: null }];
      case "lookup":
        return [{ type: "Succeeded", effect, value: this.board.lookup(effect.operationId) }];
      default:
        return this.#withProcess(
          key,
          effect,
          this.machine.process(effect.run.runId, effect.run.protocol),
          pick,
        );
    }
  }

  /** The gateway may have seen something more; of what it hands over, a part may be recorded already. */
  #readings(runId: string, pick: number): readonly MeterReading[] {
    const mark = { ledger: "books", seq: this.#books.length + 1 };
    const about = { mark, runId, at: 0, model: "m" };
    const refused = { type: "refused", ...about, reason: "path-not-allowed", count: 1 } as const;
    const usage = {
      ...about,
      type: "usage",
      inputTokens: pick % 100,
      outputTokens: 1,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      costUsd: pick % 7 === 0 ? null : (pick % 10) / 100,
      estimated: false,
    } as const;
    // Not at every look, or a life would never come to rest.
    if (pick % 3 > 0) this.#books.push(pick % 5 === 0 ? refused : usage);
    const recorded = this.state.metered["books"] ?? 0;
    return this.#books.slice(Math.max(0, recorded - (pick % 3)));
  }

  #withProcess(
    key: string,
    effect: Extract<Effect, { readonly run: RunTrace }>,
    process: Process,
    pick: number,
  ): readonly SessionCommand[] {
    const { runId } = effect.run;
    switch (effect.type) {
      case "start":
        if (this.now >= this.#leaseEnd(process)) return [failedStart(key, effect, "LEASE_ENDED")];
        if (!this.machine.start(process)) return [failedStart(key, effect, "RUN_ENDED")];
        return [{ type: "Succeeded", effect, value: { host: "h", handle: runId, already: false } }];
      case "watch":
        if (process.state === "alive") return [{ type: "RunSeen", runId }];
        if (process.exit === null || pick % 7 === 0) return [{ type: "RunAbsent", runId }];
        return [{ type: "RunEnded", runId, exit: process.exit }];
      case "receive": {
        const words = process.words.slice(effect.after.seq, effect.after.seq + 1 + (pick % 4));
        return words.length === 0 ? [] : [{ type: "Heard", runId, words }];
      }
      case "drain":
        return [
          { type: "Heard", runId, words: process.words.slice(effect.after.seq) },
          { type: "Succeeded", effect, value: null },
        ];
      case "stop":
        return [{ type: "Succeeded", effect, value: this.machine.stop(process) }];
      case "put":
        if (!process.letters.has(key)) process.inbox.push(effect.messageId);
        process.letters.add(key);
        return [{ type: "Succeeded", effect, value: null }];
      case "attach":
      case "hold":
        return [];
      case "meter":
        return [{ type: "Metered", readings: this.#readings(runId, pick) }];
      case "interrupt":
        if (process.turn?.name === effect.letter.turn) process.interrupted = true;
        return [];
      case "dismiss":
        process.dismissed = true;
        return [];
      case "answer":
        process.answers.add(effect.letter.re);
        return [{ type: "Succeeded", effect, value: null }];
      case "remove":
        return [{ type: "Succeeded", effect, value: null }];
      default:
        return effect satisfies never;
    }
  }
}

/** Every answer that a policy may give. */
function verdictOn(id: string): Verdict {
  const verdicts = ["allowed", "forbidden", "ask", "allowed"] as const;
  return verdicts[Number(id.split("/").at(-1)) % 4] ?? "ask";
}

/** A start that is refused: for good, or until somebody extends the lease. */
function failedStart(
  key: string,
  effect: Effect,
  code: "RUN_ENDED" | "LEASE_ENDED",
): SessionCommand {
  const kind = code === "RUN_ENDED" ? "permanent" : "transient";
  return { type: "Failed", key, effect, failure: { ...failure(kind), code } };
}

function failure(kind: Failure["class"]): Failure {
  return {
    class: kind,
    code: "FAULT",
    message: "A fault.",
    ...(kind === "rate" ? { retryAfterMs: 5_000 } : {}),
  };
}

function pickFrom<Item>(items: readonly Item[], pick: number): Item | undefined {
  return items[pick % Math.max(items.length, 1)];
}
