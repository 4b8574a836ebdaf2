import type { Orchestrator, OrchestratorOptions } from "@waybill/core";
import type { Sleeper } from "@waybill/core/testing";
import type { Part } from "./plot.ts";
import { use } from "./user.ts";

/** A process that was started some time. */
export interface Life {
  readonly number: number;
  /** `woken`: it slept, and another may have taken its place. */
  state: "present" | "asleep" | "woken" | "gone";
  ports: OrchestratorOptions;
  /** Whether all users' programs that were begun here have come to their end. */
  isDone: boolean;
  /** How many times over the users' programs are under way here. */
  plays: number;
  orchestrator?: Orchestrator;
  sleeper?: Sleeper;
}

/** Begins the users' programs, also beside those that are under way: each step may be repeated. */
export function playUsers(life: Life, orchestrator: Orchestrator, parts: readonly Part[]): void {
  const { clock } = life.ports;
  if (clock === undefined) throw new TypeError("A life in a fake world has its clock.");
  life.isDone = false;
  life.plays += 1;
  void Promise.all(parts.map((part) => use(orchestrator, part, clock))).then(() => {
    life.plays -= 1;
    life.isDone = life.plays === 0;
  });
}
