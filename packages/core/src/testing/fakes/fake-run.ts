import type { AgentWord, Incoming } from "../../ports/agent-word.ts";
import type { Letter } from "../../ports/mailbox.ts";
import type { RunSpec } from "../../ports/run-plan.ts";
import type { RunExit } from "../../ports/transport.ts";
import type { Clock } from "../../ports/clock.ts";
import { Bell } from "./bell.ts";
import type { FakeBrain } from "./fake-brain.ts";

type Word = Extract<Incoming, { readonly type: "word" }>;

/** A run of a fake agent: the process and its mailbox, alive until its script or the host ends it. */
export class FakeRun {
  readonly spec: RunSpec;
  /** Rings at every change. */
  readonly bell: Bell = new Bell();
  readonly words: Word[] = [];
  /** Whether the process was ever started; stopped first, it never is. */
  launched: "no" | "yes" | "never" = "no";
  exit: RunExit | null = null;
  removed = false;
  readonly #brain: FakeBrain;
  readonly #clock: Clock;
  readonly #letters = new Map<string, Letter>();
  readonly #taken = new Set<string>();
  #seq = 0;
  #turn: { readonly name: string } | null = null;
  #turns = 0;
  #waitsFor: number | null = null;

  constructor(spec: RunSpec, brain: FakeBrain, clock: Clock) {
    this.spec = spec;
    this.#brain = brain;
    this.#clock = clock;
  }

  /** Begins to live. */
  launch(): void {
    this.launched = "yes";
    const { conversation, unsettled } = this.spec;
    const known = this.#brain.remembers(conversation.id);
    const context = !conversation.resume ? "fresh" : known ? "resumed" : "lost";
    const holds = unsettled.filter((id) => this.#brain.holds(conversation.id, id));
    this.#say({ type: "hello", agent: "fake", context, holds });
    this.#go();
  }

  /** Puts a letter where the agent finds it; a repeat changes nothing. */
  put(letter: Letter): void {
    const name = nameOf(letter);
    if (this.#letters.has(name)) return;
    this.#letters.set(name, letter);
    this.#go();
  }

  /** The process ends. */
  end(exit: RunExit): void {
    if (this.exit !== null) return;
    this.exit = exit;
    this.bell.ring();
  }

  #go(): void {
    if (this.launched !== "yes") return;
    while (this.exit === null && this.#takeLetter()) {
      // Letters come first, as a real agent reads its inbox between two steps.
    }
    while (this.exit === null && this.#turn !== null && this.#waitsFor === null && this.#act()) {
      // A step at a time until one waits.
    }
  }

  #takeLetter(): boolean {
    const next = [...this.#letters]
      .filter(([name]) => !this.#taken.has(name))
      .filter(([, letter]) => letter.type !== "close" || this.#turn === null)
      .toSorted(([one], [other]) => (one < other ? -1 : 1))[0];
    if (next === undefined) return false;
    const [name, letter] = next;
    this.#taken.add(name);
    switch (letter.type) {
      case "message":
        this.#turn ??= { name: `t${(this.#turns += 1)}` };
        this.#brain.hold(this.spec.conversation.id, letter.id, letter.text);
        this.#say({ type: "accepted", turn: this.#turn.name, message: letter.id });
        break;
      case "answer":
        this.#brain.answered(letter);
        if (this.#waitsFor === letter.re) this.#waitsFor = null;
        break;
      case "interrupt":
        if (this.#turn?.name === letter.turn) this.#endTurn("interrupted", "");
        break;
      case "close":
        this.#say({ type: "bye" });
        this.end({ exitCode: 0, signal: null, oomKilled: false });
        break;
      default:
        letter satisfies never;
    }
    return true;
  }

  #act(): boolean {
    const step = this.#brain.next();
    if (step === null) {
      this.#endTurn("failed", "The script has no step left.");
      return false;
    }
    switch (step.type) {
      case "reply":
        this.#endTurn(step.outcome, step.text, step.costUsd);
        this.#go();
        return false;
      case "operation":
        this.#say({ type: "operation", operation: step.operation });
        this.#waitsFor = this.#seq;
        return true;
      case "exit":
        this.end(
          step.code === 137
            ? { exitCode: null, signal: "SIGKILL", oomKilled: false }
            : { exitCode: step.code, signal: null, oomKilled: false },
        );
        return false;
      case "hang":
        this.#waitsFor = -1;
        return false;
      default:
        return step satisfies never;
    }
  }

  #endTurn(outcome: "completed" | "failed" | "interrupted" | "exhausted", text: string, costUsd?: number): void {
    const turn = this.#turn?.name ?? "t0";
    this.#turn = null;
    this.#waitsFor = null;
    this.#say({ type: "turn_ended", turn, outcome, text, ...(costUsd === undefined ? {} : { costUsd }) });
  }

  #say(word: AgentWord): void {
    this.#seq += 1;
    const at = this.#clock.now();
    this.words.push({ type: "word", mark: { seq: this.#seq, offset: 0 }, at, word });
    this.bell.ring();
  }
}

function nameOf(letter: Letter): string {
  switch (letter.type) {
    case "message":
      return `m.${String(letter.position).padStart(10, "0")}.${letter.id}.${letter.delivery}`;
    case "answer":
      return `a.${letter.re}`;
    case "interrupt":
      return `i.${letter.turn}`;
    case "close":
      return "z";
    default:
      return letter satisfies never;
  }
}
