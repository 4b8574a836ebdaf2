import type { Activity, AgentWord } from "../ports/agent-word.ts";
import type { Letter, Mailbox } from "../ports/mailbox.ts";
import type { RunPlan, RunSpec } from "../ports/run-plan.ts";
import { listener } from "./mailbox-contract/listen.ts";
import { prepareClauses } from "./mailbox-contract/prepare-clauses.ts";
import { putClauses } from "./mailbox-contract/put-clauses.ts";
import { receiveClauses } from "./mailbox-contract/receive-clauses.ts";
import { removeClauses } from "./mailbox-contract/remove-clauses.ts";

/** The words that an agent itself says; the host's mailbox makes the others. */
export type SpokenWord = Exclude<AgentWord, { type: "unreadable" | "gap" }>;

/** The agent's side of one run, played by the fixture in the way of the mailbox's protocol. */
export interface ContractAgent {
  /** The whole of standard input. */
  start(): Promise<string>;
  /**
   * Says a word, once the ones before are said. In protocol 0 only operations and ends of turns can
   * be said, and the host makes the hello: there, `hello` says nothing.
   */
  say(word: SpokenWord): Promise<void>;
  /** Says something that is no word, in the place of one. */
  babble(): Promise<void>;
  /** Leaves out the place of one word. */
  skip(): Promise<void>;
  /** Shows that the program lives, without a word. */
  beat(): Promise<void>;
  /** Shows what the program does. */
  show(activity: Activity): Promise<void>;
  /** The letters that lie there, in the order in which an agent takes them. */
  letters(): Promise<readonly ContractLetter[]>;
}

/** A letter as the agent finds it: of a protocol-0 message, only the text. */
export type ContractLetter =
  | Letter
  | { readonly type: "message"; readonly text: string }
  | { readonly type: "close" };

/** A place for mailboxes, made anew for every clause. */
export interface MailboxFixture extends AsyncDisposable {
  readonly mailbox: Mailbox;
  /** Another mailbox for the same place: what a restarted orchestrator would make. */
  another(): Promise<Mailbox>;
  /** A run with an id that no other has, of a session that no other fixture has. */
  run(change?: Partial<RunSpec>): RunSpec;
  /** The agent's side of a prepared run. One per run: it counts its words. */
  agent(plan: RunPlan): ContractAgent;
  /** Closes the mailboxes and removes the place. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How to run the suite. */
export interface MailboxContractOptions {
  /** The test runner's `test`. */
  readonly test: (name: string, fn: () => Promise<void>) => void;
  readonly create: () => Promise<MailboxFixture>;
  /** Clauses that do not apply here: name to reason. A name that is no clause is a `TypeError`. */
  readonly skip?: Readonly<Record<string, string>>;
  /** Told of every clause that is skipped. */
  readonly skipped?: (name: string, reason: string) => void;
  /** How long one expectation may take, in milliseconds. Default: 10,000. */
  readonly patienceMs?: number;
}

/** The tests of the contract by name; each gets a fixture of its own. */
export type MailboxClauses = Readonly<Record<string, (fixture: MailboxFixture) => Promise<void>>>;

/** States what every mailbox promises, each promise as one test with a real (or acted) agent. */
export function mailboxContract(options: MailboxContractOptions): void {
  const ear = listener(options.patienceMs ?? 10_000);
  const clauses: MailboxClauses = {
    ...prepareClauses(),
    ...putClauses(),
    ...receiveClauses(ear),
    ...removeClauses(ear),
  };
  for (const name of Object.keys(options.skip ?? {})) {
    if (!(name in clauses)) {
      throw new TypeError(`The mailbox contract has no clause named "${name}" to skip.`);
    }
  }
  for (const [name, clause] of Object.entries(clauses)) {
    const reason = options.skip?.[name];
    if (reason === undefined) {
      options.test(name, async () => {
        await using fixture = await options.create();
        await clause(fixture);
      });
    } else {
      options.skipped?.(name, reason);
    }
  }
}
