import type { Tracker } from "../ports/tracker.ts";
import { doubtClauses } from "./tracker-contract/doubt-clauses.ts";
import { eventClauses } from "./tracker-contract/event-clauses.ts";
import { keyClauses } from "./tracker-contract/key-clauses.ts";
import { questionClauses } from "./tracker-contract/question-clauses.ts";
import { refusalClauses } from "./tracker-contract/refusal-clauses.ts";
import { writeClauses } from "./tracker-contract/write-clauses.ts";

/**
 * What goes wrong with the next call, once: the connection is cut before or after the board did it,
 * the board is busy (and says for how long) or unavailable (nothing done), or it does it and then
 * answers what nobody can read.
 */
export type ContractFault = "cut before" | "cut after" | "busy" | "unavailable" | "garbled";

/** A board to test against, made anew for every clause. */
export interface TrackerFixture extends AsyncDisposable {
  readonly tracker: Tracker;
  /** A chat that is there and empty. */
  readonly chat: string;
  /** A task that is there, with the status `todo`, assigned to nobody, without comments. */
  readonly task: string;
  /** The messages of a chat in their order, as the board itself holds them. */
  messages(chat: string): Promise<readonly ContractEntry[]>;
  /** The comments on a task in their order, as the board itself holds them. */
  comments(task: string): Promise<readonly ContractEntry[]>;
  /** A task as the board itself holds it, and how often it was changed. */
  taskState(task: string): Promise<ContractTask>;
  /** The same board, with a token that it does not know. */
  stranger(): Tracker;
  /** Sets a fault for the next call. */
  fault(fault: ContractFault): Promise<void>;
  /** What people do on the board. Wanted where `events` is on. */
  readonly people?: ContractPeople;
}

/** What people do on the board, without this client. */
export interface ContractPeople {
  /** Somebody named Ann says something, perhaps as an answer to a message. Gives the message's id. */
  say(chat: string, content: string, replyTo?: string): Promise<string>;
  /** Somebody gives the task to an agent, or to nobody. */
  assign(task: string, slug: string | null): Promise<void>;
  /** Somebody cancels the task. */
  cancel(task: string): Promise<void>;
  /** Cuts the connections of whoever follows the events; nothing where there are none. */
  cut(): Promise<void>;
}

/** A message or a comment. */
export interface ContractEntry {
  /** The author's display name. */
  readonly author: string;
  readonly content: string;
}

/** A task, as far as the contract looks at it. */
export interface ContractTask {
  readonly status: string;
  readonly assignedTo: string | null;
  readonly changes: number;
}

/** The tests of the contract by name; each gets a fixture of its own. */
export type TrackerClauses = Readonly<Record<string, (fixture: TrackerFixture) => Promise<void>>>;

/** How to run the suite. */
export interface TrackerContractOptions {
  /** The test runner's `test`. */
  readonly test: (name: string, fn: () => Promise<void>) => void;
  /** Makes a board and its client; `capabilities.idempotencyKeys` must be as `keys` says. */
  readonly create: () => Promise<TrackerFixture>;
  /** Whether the board honours keys. Run the suite twice where it can do either. Default: true. */
  readonly keys?: boolean;
  /** Whether the Tracker has `subscribe`. Default: true. */
  readonly events?: boolean;
  /** Clauses that do not apply here: name to reason. A name that is no clause is a `TypeError`. */
  readonly skip?: Readonly<Record<string, string>>;
  /** Told of every clause that is skipped. */
  readonly skipped?: (name: string, reason: string) => void;
}

/** States what every Tracker promises, each promise as one test on a real (or acted) board. */
export function trackerContract(options: TrackerContractOptions): void {
  const keys = options.keys ?? true;
  const clauses: TrackerClauses = {
    ...writeClauses,
    ...questionClauses,
    ...refusalClauses,
    ...(keys ? keyClauses.withKeys : keyClauses.withoutKeys),
    ...doubtClauses,
    ...(options.events === false ? {} : eventClauses),
  };
  for (const name of Object.keys(options.skip ?? {})) {
    if (!(name in clauses)) {
      throw new TypeError(`The Tracker contract has no clause named "${name}" to skip.`);
    }
  }
  for (const [name, clause] of Object.entries(clauses)) {
    const reason = options.skip?.[name];
    if (reason !== undefined) {
      options.skipped?.(name, reason);
      continue;
    }
    options.test(name, async () => {
      await using fixture = await options.create();
      await clause(fixture);
    });
  }
}
