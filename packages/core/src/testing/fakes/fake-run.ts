import type { Clock } from "../../ports/clock.ts";
import type { Instant } from "../../ids.ts";
import type { Activity, AgentWord, TurnOutcome } from "../../ports/agent-word.ts";
import type { Letter } from "../../ports/mailbox.ts";
import type { RunPlan, RunSpec } from "../../ports/run-plan.ts";
import type { RunExit } from "../../ports/transport.ts";
import { Bell } from "./bell.ts";
import type { FakeBrain } from "./fake-brain.ts";
import { refusedTurn, type FakeGateway } from "./fake-gateway.ts";
import { FakeLease } from "./fake-lease.ts";
import type { FakeProgram } from "./fake-program.ts";
import { nameOf } from "./letter-name.ts";
import { Said } from "./said.ts";

type TurnEnd = Extract<AgentWord, { readonly type: "turn_ended" }>;

/** How often a fake agent at work shows life, in milliseconds: as a real one does. */
const pulseMs = 5_000;

/** A run of a fake agent: the process and its mailbox, alive until its script or the host ends it. */
export class FakeRun {
  readonly spec: RunSpec;
  /** Rings at every change. */
  readonly bell: Bell = new Bell();
  /** What it said. */
  readonly said: Said = new Said();
  /** Whether the process was ever started; stopped first, it never is. */
  launched: "no" | "yes" | "never" = "no";
  exit: RunExit | null = null;
  /** Its process's remains are gone. */
  removed = false;
  /** Its mailbox is gone. */
  forgotten = false;
  /** The name of the host that it lives on; null where nobody says. */
  host: string | null = null;
  /** Null where it has none. */
  readonly lease: FakeLease | null;
  /** When it last showed life. */
  aliveAt: Instant | null = null;
  /** What it showed of its doings. */
  readonly shown: Activity[] = [];
  /** What acts in it in place of its agent's script, where something does: set before its start. */
  program: FakeProgram | null = null;
  readonly #brain: FakeBrain;
  readonly #clock: Clock;
  readonly #gateway: FakeGateway | null;
  #env: RunPlan["env"] = {};
  readonly #letters = new Map<string, Letter>();
  readonly #taken = new Set<string>();
  #turn: string | null = null;
  #turns = 0;
  /** What the turn waits for: an operation's number, time, or nothing that will ever come. */
  #waitsFor: number | "time" | "nothing" | null = null;
  #deaf = false;

  constructor(spec: RunSpec, brain: FakeBrain, clock: Clock, gateway: FakeGateway | null = null) {
    this.spec = spec;
    this.#gateway = gateway;
    this.#brain = brain;
    this.#clock = clock;
    this.lease = spec.lease === undefined ? null : new FakeLease(spec.lease, clock, this);
  }

  /** Whether the process is there. */
  get lives(): boolean {
    return this.launched === "yes" && this.exit === null;
  }

  /** What the agent finds on standard input. */
  get stdin(): string {
    const { protocol, sessionId, runId, agent, conversation, unsettled, config } = this.spec;
    const start = { v: 1, protocol, session: sessionId, run: runId, agent, conversation };
    return JSON.stringify({ ...start, unsettled, config });
  }

  /** The letters that lie there, in the order in which an agent takes them. */
  get letters(): readonly Letter[] {
    return this.#sorted().map(([, letter]) => letter);
  }

  /** Begins to live. */
  launch(plan: RunPlan): void {
    this.launched = "yes";
    this.#env = plan.env;
    if (this.program !== null) return this.program.begin(this, plan);
    const birth = this.#brain.birth();
    if (birth?.type === "stillborn") return this.end(exitOf(birth.code));
    this.#deaf = birth?.type === "mute";
    if (this.#deaf) return;
    this.say(this.#hello());
    this.#go();
  }

  /** Puts a letter where the agent finds it; a repeat changes nothing. */
  put(letter: Letter): void {
    const name = nameOf(letter);
    if (this.#letters.has(name)) return;
    this.#letters.set(name, letter);
    this.#go();
  }

  /** Says a word, and gives its number. */
  say(word: AgentWord): number {
    const seq = this.said.add(word, this.#clock.now());
    this.bell.ring();
    return seq;
  }

  /** Leaves out the place of one word. */
  skip(): void {
    this.said.skip();
  }

  /** Shows that it lives. */
  beat(): void {
    this.aliveAt = this.#clock.now();
    this.bell.ring();
  }

  /** Shows what it does, to whoever looks. */
  show(activity: Activity): void {
    this.shown.push(activity);
    this.bell.ring();
  }

  /** Is asked to end. A scripted agent does so at once. */
  term(): void {
    if (this.exit !== null) return;
    if (this.program !== null) return this.program.term(this);
    this.end({ exitCode: null, signal: "SIGTERM", oomKilled: false });
  }

  /** Is ended without being asked. */
  kill(): void {
    this.end(exitOf(137));
  }

  /** The process ends. */
  end(exit: RunExit): void {
    if (this.exit !== null) return;
    const why = this.lease?.hasEnded
      ? { detail: "Nobody renewed its lease, so it was ended." }
      : {};
    this.exit = { ...exit, ...why };
    this.bell.ring();
  }

  #hello(): AgentWord {
    const { conversation, unsettled } = this.spec;
    const { id, fork, resume } = conversation;
    if (fork !== undefined && !this.#brain.remembers(id)) this.#brain.fork(fork.conversation, id);
    const resumes = resume || fork !== undefined;
    const context = !resumes ? "fresh" : this.#brain.remembers(id) ? "resumed" : "lost";
    const holds = unsettled.filter((message) => this.#brain.holds(id, message));
    return { type: "hello", agent: "fake", context, holds };
  }

  #go(): void {
    if (this.launched !== "yes" || this.#deaf || this.program !== null) return;
    while (this.exit === null && this.#takeLetter()) {
      // Letters come first, as a real agent reads its inbox between two steps.
    }
    while (this.exit === null && this.#turn !== null && this.#waitsFor === null && this.#act()) {
      // A step at a time until one waits.
    }
  }

  #takeLetter(): boolean {
    const next = this.#sorted()
      .filter(([each]) => !this.#taken.has(each))
      .find(([, each]) => each.type !== "close" || this.#turn === null);
    if (next === undefined) return false;
    const [name, letter] = next;
    this.#taken.add(name);
    switch (letter.type) {
      case "message":
        this.#turn ??= `t${(this.#turns += 1)}`;
        this.#brain.hold(this.spec.conversation.id, letter.id, letter.text);
        this.say({ type: "accepted", turn: this.#turn, message: letter.id });
        break;
      case "answer":
        this.#brain.answered(letter);
        if (this.#waitsFor === letter.re) this.#waitsFor = null;
        break;
      case "interrupt":
        if (this.#turn === letter.turn) this.#endTurn("interrupted", "");
        break;
      case "close":
        this.#leave();
        break;
      default:
        letter satisfies never;
    }
    return true;
  }

  #sorted(): [string, Letter][] {
    return [...this.#letters].toSorted(([one], [other]) => (one < other ? -1 : 1));
  }

  #act(): boolean {
    const step = this.#brain.next();
    switch (step?.type) {
      case undefined:
        this.#endTurn("failed", "The script has no step left.");
        return true;
      case "reply":
        this.#endTurn(
          step.outcome,
          step.text,
          step.costUsd === undefined ? {} : { costUsd: step.costUsd },
        );
        this.#go();
        return false;
      case "fail": {
        const { resetsInMs: ms } = step;
        const resets = ms === null ? {} : { resetsAt: this.#clock.now() + ms };
        this.#endTurn("failed", "", { error: { ...step.error, ...resets } });
        this.#go();
        return false;
      }
      case "operation":
        this.#waitsFor = this.say({ type: "operation", operation: step.operation });
        this.#pulse(this.#waitsFor);
        return true;
      case "spend": {
        const refused = refusedTurn(this.#gateway?.ask(this.#env, step.request) ?? "unreachable");
        if (refused !== null) this.#endTurn(refused.outcome, "", { error: refused.error });
        return true;
      }
      case "work":
        this.#waitsFor = "time";
        this.#work(step.ms);
        return true;
      case "flood":
        for (let word = 1; word <= step.words; word += 1) {
          this.say({ type: "unreadable", code: "NO_SENSE", reason: `Word ${word} of a flood.` });
        }
        return true;
      case "exit":
        if (step.forgets) this.#brain.forget();
        this.end(exitOf(step.code));
        return false;
      case "leave":
        this.#leave();
        return false;
      case "hang":
        this.#waitsFor = "nothing";
        this.#deaf = step.deaf;
        return false;
      case "stillborn":
      case "mute":
        throw new TypeError(
          `"${step.type}" is about how a run begins: put it before the first step.`,
        );
      default:
        return step satisfies never;
    }
  }

  /** Works on, a pulse at a time, unless the turn is over by then. */
  #work(leftMs: number): void {
    this.beat();
    const turn = this.#turn;
    this.#clock.after(Math.min(leftMs, pulseMs), () => {
      if (!this.lives || this.#turn !== turn || this.#waitsFor !== "time") return;
      if (leftMs > pulseMs) return this.#work(leftMs - pulseMs);
      this.#waitsFor = null;
      this.#go();
    });
  }

  /** Waits for an answer, a pulse at a time. */
  #pulse(operation: number): void {
    this.#clock.after(pulseMs, () => {
      if (!this.lives || this.#waitsFor !== operation) return;
      this.beat();
      this.#pulse(operation);
    });
  }

  #leave(): void {
    this.say({ type: "bye" });
    this.end({ exitCode: 0, signal: null, oomKilled: false });
  }

  #endTurn(outcome: TurnOutcome, text: string, more: Partial<TurnEnd> = {}): void {
    const turn = this.#turn ?? "t0";
    this.#turn = null;
    this.#waitsFor = null;
    const transcript = `${this.spec.runId}-${turn}`;
    this.say({ type: "turn_ended", turn, outcome, text, transcript, ...more });
  }
}

function exitOf(code: number): RunExit {
  const isKill = code === 137;
  return { exitCode: isKill ? null : code, signal: isKill ? "SIGKILL" : null, oomKilled: false };
}
