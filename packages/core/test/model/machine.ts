// The world of the model: processes, their mailboxes and the board, as honest as the ports promise.
import assert from "node:assert/strict";
import type { AgentWord, Incoming, Receipt, RunExit, TrackerOperation } from "@waybill/core";

/** A word as a mailbox hands it over. */
export type Word = Extract<Incoming, { readonly type: "word" }>;

/** A process of an agent and what it has said. */
export interface Process {
  readonly id: string;
  readonly protocol: 0 | 1;
  /** `never` after a stop that came before the start: it can never live. */
  state: "none" | "alive" | "dead" | "never";
  exit: RunExit | null;
  readonly words: Word[];
  /** Messages in its inbox that it has not taken, in the order in which they came. */
  readonly inbox: string[];
  /** The names of the letters that were ever put: a repeat changes nothing. */
  readonly letters: Set<string>;
  /** The messages of the present turn. */
  turn: { readonly name: string } | null;
  turns: number;
  hasGreeted: boolean;
  dismissed: boolean;
  interrupted: boolean;
  /** Numbers of its operations that were answered. */
  readonly answers: Set<number>;
}

/** Processes, and the rule that a run id runs at most once in all of time. */
export class Machine {
  readonly processes: Map<string, Process> = new Map();
  /** What the conversation's transcript holds. */
  readonly transcript: Set<string> = new Set();

  process(id: string, protocol: 0 | 1): Process {
    const known = this.processes.get(id);
    if (known !== undefined) return known;
    const made: Process = {
      id,
      protocol,
      state: "none",
      exit: null,
      words: [],
      inbox: [],
      letters: new Set(),
      turn: null,
      turns: 0,
      hasGreeted: false,
      dismissed: false,
      interrupted: false,
      answers: new Set(),
    };
    this.processes.set(id, made);
    return made;
  }

  /** False where the run can never start (again). */
  start(process: Process): boolean {
    if (process.state === "none") process.state = "alive";
    const alive = [...this.processes.values()].filter(({ state }) => state === "alive");
    assert.ok(alive.length <= 1, `two live runs: ${alive.map(({ id }) => id).join(" and ")}`);
    return process.state === "alive";
  }

  stop(process: Process): RunExit | null {
    if (process.state === "none") process.state = "never";
    this.end(process, { exitCode: null, signal: "SIGTERM", oomKilled: false });
    return process.exit;
  }

  end(process: Process, exit: RunExit): void {
    if (process.state !== "alive") return;
    process.state = "dead";
    process.exit = exit;
  }

  say(process: Process, word: AgentWord): void {
    const seq = process.words.length + 1;
    const offset = process.protocol === 0 ? seq * 10 : 0;
    process.words.push({ type: "word", mark: { seq, offset }, at: 0, word });
  }
}

/** The board, and what was done there. */
export class Board {
  /** Every first doing, in order. */
  readonly done: { readonly key: string; readonly target: string }[] = [];
  readonly #receipts = new Map<string, Receipt>();
  /** How often something was done again that had been done. */
  repeated = 0;

  perform(key: string, target: string, operation: TrackerOperation, keys: boolean): Receipt {
    const known = this.#receipts.get(key);
    const isQuestion =
      operation.type === "chat.read" ||
      operation.type === "task.list" ||
      operation.type === "task.get";
    if (isQuestion) return { id: null, at: null, repeated: false, data: { answer: 42 } };
    if (known !== undefined) {
      if (!keys) this.repeated += 1;
      return { ...known, repeated: true };
    }
    const receipt: Receipt = { id: `r${this.done.length}`, at: null, repeated: false, data: null };
    this.#receipts.set(key, receipt);
    this.done.push({ key, target });
    return receipt;
  }

  lookup(key: string): Receipt | null {
    const known = this.#receipts.get(key);
    return known === undefined ? null : { ...known, repeated: true };
  }
}
