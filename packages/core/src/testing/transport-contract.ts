import type { RunLease, RunPlan } from "../ports/run-plan.ts";
import type { Transport } from "../ports/transport.ts";
import { leaseClauses } from "./transport-contract/lease-clauses.ts";
import { observer } from "./transport-contract/observe.ts";
import type { ContractProgram } from "./transport-contract/programs.ts";
import { startClauses } from "./transport-contract/start-clauses.ts";
import { stopClauses } from "./transport-contract/stop-clauses.ts";
import { surroundingsClauses } from "./transport-contract/surroundings-clauses.ts";
import { watchClauses } from "./transport-contract/watch-clauses.ts";

/** What the contract asks of a plan. */
export interface ContractPlanRequest {
  readonly program: ContractProgram;
  /** The run's owner. Default: one that no other fixture uses. */
  readonly owner?: string;
  /** Text of standard input. Default: none. */
  readonly stdin?: string;
  /**
   * Text of a file `letter.txt` in the folder that is the run's `cwd`; the plan names the file in
   * the environment as `CONTRACT_LETTER: { folder, file: "letter.txt" }`. Default: none.
   */
  readonly letter?: string;
  /** More for the plan's environment. Default: nothing. */
  readonly env?: Readonly<Record<string, string>>;
  /** Gives the plan a lease, with a file that says that it has ended. Default: none. */
  readonly lease?: RunLease;
}

/** A place where the contract's programs can really run, made anew for every clause. */
export interface TransportFixture extends AsyncDisposable {
  readonly transport: Transport;
  /** Another transport for the same place: what a restarted orchestrator would make. */
  another(): Promise<Transport>;
  /** Makes a new run id, folders, stream files and control folder, and the plan that names them. */
  plan(request: ContractPlanRequest): Promise<RunPlan>;
  /** What the run has written to a stream so far. */
  output(plan: RunPlan, stream: "stdout" | "stderr"): Promise<string>;
  /** Writes into the file of the plan's lease that it ends at this instant of the wall clock. */
  extendLease?(plan: RunPlan, until: number): Promise<void>;
  /** Makes the place unreachable (an engine that does not answer); the result makes it reachable. */
  unreachable?(): Promise<() => Promise<void>>;
  /** Kills every run of the plans that were made, closes the transports and removes the folders. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How to run the suite. */
export interface TransportContractOptions {
  /** The test runner's `test`. */
  readonly test: (name: string, fn: () => Promise<void>) => void;
  readonly create: () => Promise<TransportFixture>;
  /** Clauses that do not apply here: name to reason. A name that is no clause is a `TypeError`. */
  readonly skip?: Readonly<Record<string, string>>;
  /** Told of every clause that is skipped. */
  readonly skipped?: (name: string, reason: string) => void;
  /** How long one expectation may take, in milliseconds. Default: 20,000. */
  readonly patienceMs?: number;
}

/** States what every transport promises, each promise as one test on real (or acted) programs. */
export function transportContract(options: TransportContractOptions): void {
  const eye = observer(options.patienceMs ?? 20_000);
  const clauses: Clauses = {
    ...startClauses(eye),
    ...watchClauses(eye),
    ...stopClauses(eye),
    ...surroundingsClauses(eye),
    ...leaseClauses(eye),
  };
  for (const name of Object.keys(options.skip ?? {})) {
    if (!(name in clauses)) {
      throw new TypeError(`The transport contract has no clause named "${name}" to skip.`);
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

/** The tests of the contract by name; each gets a fixture of its own. */
export type Clauses = Readonly<Record<string, (fixture: TransportFixture) => Promise<void>>>;
