import type { RunPlan } from "../../ports/run-plan.ts";
import type { FakeRun } from "./fake-run.ts";

/** What a fake run does in place of an agent's script: a program that a test acts out. */
export interface FakeProgram {
  /** It is started, with this plan. */
  begin(run: FakeRun, plan: RunPlan): void;
  /** It is asked to end (TERM). One that does not end by then is killed after the grace. */
  term(run: FakeRun): void;
}
