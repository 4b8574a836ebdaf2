import type { Attachment, Gateway } from "../ports/gateway.ts";
import type { RunPlan } from "../ports/run-plan.ts";
import { attachClauses } from "./gateway-contract/attach-clauses.ts";
import { booksClauses } from "./gateway-contract/books-clauses.ts";
import { budgetClauses } from "./gateway-contract/budget-clauses.ts";
import { endClauses } from "./gateway-contract/end-clauses.ts";
import { reader } from "./gateway-contract/read.ts";

/** A request to the model, and what the model says that it took. */
export interface ContractAsk {
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** A place for gateways, made anew for every clause. Its gateways judge by `contractTerms`. */
export interface GatewayFixture extends AsyncDisposable {
  readonly gateway: Gateway;
  /** Another gateway for the same place: what a restarted orchestrator would make. */
  another(): Promise<Gateway>;
  /** Whatever holds ways and books dies without a warning. Resolves once it is back. */
  restart(): Promise<void>;
  /** A run with an id that no other has, of a session that no other fixture has. */
  plan(change?: Partial<RunPlan>): RunPlan;
  /** Asks as a program in the run would: it has the attachment and nothing else. */
  ask(
    attachment: Attachment,
    request: ContractAsk,
  ): Promise<"answered" | "refused" | "unreachable">;
  /** Closes the gateways and removes the place. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How to run the suite. */
export interface GatewayContractOptions {
  /** The test runner's `test`. */
  readonly test: (name: string, fn: () => Promise<void>) => void;
  readonly create: () => Promise<GatewayFixture>;
  /** Clauses that do not apply here: name to reason. A name that is no clause is a `TypeError`. */
  readonly skip?: Readonly<Record<string, string>>;
  /** Told of every clause that is skipped. */
  readonly skipped?: (name: string, reason: string) => void;
  /** How long one expectation may take, in milliseconds. Default: 10,000. */
  readonly patienceMs?: number;
}

/** The tests of the contract by name; each gets a fixture of its own. */
export type GatewayClauses = Readonly<Record<string, (fixture: GatewayFixture) => Promise<void>>>;

/** States what every gateway promises, each promise as one test with real (or acted) requests. */
export function gatewayContract(options: GatewayContractOptions): void {
  const read = reader(options.patienceMs ?? 10_000);
  const clauses: GatewayClauses = {
    ...attachClauses(),
    ...budgetClauses(),
    ...booksClauses(read),
    ...endClauses(read),
  };
  for (const name of Object.keys(options.skip ?? {})) {
    if (!(name in clauses)) {
      throw new TypeError(`The gateway contract has no clause named "${name}" to skip.`);
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
