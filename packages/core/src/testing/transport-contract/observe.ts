import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { isWaybillError } from "../../errors.ts";
import type { RunHandle, RunPlan } from "../../ports/run-plan.ts";
import type { RunExit, RunSighting, Transport } from "../../ports/transport.ts";
import type { TransportFixture } from "../transport-contract.ts";

/** How the clauses look at a run, each look bounded by the suite's patience. */
export interface Observer {
  /** The types of all sightings from now until the watch ends by itself. */
  seen(transport: Transport, run: RunHandle): Promise<RunSighting["type"][]>;
  /** How the run ended, once it has. */
  ended(transport: Transport, run: RunHandle): Promise<RunExit>;
  /** Resolves once the program has said `ready`. */
  ready(fixture: TransportFixture, plan: RunPlan): Promise<void>;
  /** Resolves once this holds. */
  until(what: string, holds: () => Promise<boolean>): Promise<void>;
  /** A signal that aborts when patience ends. */
  patience(): AbortSignal;
}

/** An observer that waits this long, in milliseconds. */
export function observer(patienceMs: number): Observer {
  const patience = (): AbortSignal => AbortSignal.timeout(patienceMs);
  const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    const deadline = performance.now() + patienceMs;
    while (!(await holds())) {
      if (performance.now() > deadline) {
        throw new Error(`Waited ${patienceMs} ms in vain for ${what}.`);
      }
      await pause(25);
    }
  };
  const follow = async (transport: Transport, run: RunHandle): Promise<RunSighting[]> => {
    const sightings: RunSighting[] = [];
    for await (const sighting of transport.watch(run, patience())) sightings.push(sighting);
    const last = sightings.at(-1)?.type ?? "nothing";
    assert.ok(
      last === "exited" || last === "absent",
      `the watch told ${last} and ended or went on`,
    );
    return sightings;
  };
  return {
    patience,
    until,
    seen: async (transport, run) => (await follow(transport, run)).map((sighting) => sighting.type),
    ended: async (transport, run) => {
      const last = (await follow(transport, run)).at(-1);
      assert.ok(last?.type === "exited", "the run is absent where it should have exited");
      return last.exit;
    },
    ready: (fixture, plan) =>
      until("the program to say ready", async () => (await startsOf(fixture, plan)) > 0),
  };
}

/** How often the program was started. */
export async function startsOf(fixture: TransportFixture, plan: RunPlan): Promise<number> {
  return (await fixture.output(plan, "stdout")).split("ready\n").length - 1;
}

/** What an act came to: its result, or the code of its error. */
export async function outcome<T>(act: Promise<T>): Promise<T | string> {
  try {
    return await act;
  } catch (error) {
    if (isWaybillError(error)) return error.code;
    throw error;
  }
}

/** The exit of a run that SIGKILL ended. */
export function assertKilled(exit: RunExit): void {
  // 137 is how an engine spells SIGKILL of the first process.
  assert.ok(exit.exitCode === null || exit.exitCode === 137, `exit code ${exit.exitCode}`);
  assert.ok(exit.signal === null || exit.signal === "SIGKILL", `signal ${exit.signal}`);
}

/** The fields of a handle alone, so that a plan and a listed handle compare. */
export function handleOf(run: RunHandle): RunHandle {
  const { owner, sessionId, runId, epoch, control, launch } = run;
  return { owner, sessionId, runId, epoch, control, launch: { host: launch.host, at: launch.at } };
}
