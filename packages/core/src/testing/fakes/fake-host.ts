import { WaybillError } from "../../errors.ts";
import type { RunId, SessionId } from "../../ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Mailbox } from "../../ports/mailbox.ts";
import type { RunHandle, RunPlan, RunSpec } from "../../ports/run-plan.ts";
import type { Transport } from "../../ports/transport.ts";
import { Bell } from "./bell.ts";
import { FakeBrain } from "./fake-brain.ts";
import type { FakeGateway } from "./fake-gateway.ts";
import { fakeMailbox } from "./fake-mailbox.ts";
import { FakeRun } from "./fake-run.ts";
import { fakeTransport } from "./fake-transport.ts";
import type { Step } from "./script.ts";

/** The machine of a fake world: its runs live on whatever becomes of the orchestrator. */
export class FakeHost {
  readonly clock: Clock;
  /** Every run that was ever prepared, by id. */
  readonly runs: Map<string, FakeRun> = new Map();
  /** Runs of one session that lived at the same time: always empty, or Waybill is broken. */
  readonly twins: (readonly RunId[])[] = [];
  /** Runs that were stopped before they were even prepared: they never start. */
  readonly #forbidden = new Set<RunId>();
  readonly #erased = new Set<SessionId>();
  readonly #brains = new Map<string, FakeBrain>();
  readonly #scripts: Readonly<Record<string, readonly Step[]>>;
  readonly #gateway: FakeGateway | null;
  /** Rings when the machine answers again; null while it does. */
  #silence: Bell | null = null;

  constructor(
    scripts: Readonly<Record<string, readonly Step[]>>,
    clock: Clock,
    gateway: FakeGateway | null = null,
  ) {
    this.#scripts = scripts;
    this.#gateway = gateway;
    this.clock = clock;
  }

  /** The agent's mind. */
  brain(slug: string): FakeBrain {
    const known = this.#brains.get(slug);
    if (known !== undefined) return known;
    const brain = new FakeBrain(this.#scripts[slug] ?? []);
    this.#brains.set(slug, brain);
    return brain;
  }

  /** The runs that live now. */
  live(): readonly FakeRun[] {
    return [...this.runs.values()].filter(({ lives }) => lives);
  }

  /**
   * A mailbox of this machine: each that is asked for is another process's.
   *
   * @param folders the name of its folders. Default: it does not say.
   */
  mailbox(folders: string | null = null): Mailbox {
    return fakeMailbox(this, folders);
  }

  /**
   * A transport of this machine: each that is asked for is another process's.
   *
   * @param name on which host it is; it neither sees nor stops runs of another. Default: it does not
   * say, and sees all.
   */
  transport(name: string | null = null): Transport {
    return fakeTransport(this, name);
  }

  /** What starts runs here answers no more; the result makes it answer again. Runs live on. */
  fallSilent(): () => void {
    const silence = (this.#silence ??= new Bell());
    return () => {
      if (this.#silence === silence) this.#silence = null;
      silence.ring();
    };
  }

  /** Rings when the machine answers again; null while it does. */
  get silence(): Bell | null {
    return this.#silence;
  }

  /** Makes room for a run; one that is there is kept. */
  prepare(spec: RunSpec): void {
    if (this.runs.get(spec.runId)?.forgotten) throw removed(spec);
    if (this.#erased.has(spec.sessionId)) throw erased(spec);
    if (this.runs.has(spec.runId)) return;
    const run = new FakeRun(spec, this.brain(spec.agent.slug), this.clock, this.#gateway);
    if (this.#forbidden.has(spec.runId)) run.launched = "never";
    this.runs.set(spec.runId, run);
  }

  /** Begins a run's life on a host, and notes whom it lives beside. */
  launch(run: FakeRun, plan: RunPlan, on: string | null = null): void {
    run.host = on;
    run.launch(plan);
    const { sessionId } = run.spec;
    const together = this.live().filter((each) => each.spec.sessionId === sessionId);
    if (together.length > 1) this.twins.push(together.map(({ spec }) => spec.runId));
  }

  /** A run that never started never will, whether or not it was prepared. */
  forbid({ runId }: RunHandle): void {
    this.#forbidden.add(runId);
    const run = this.runs.get(runId);
    if (run?.launched === "no") run.launched = "never";
  }

  /** Nothing of the session stays, and nothing of it comes back. */
  erase(session: SessionId): void {
    this.#erased.add(session);
    for (const { spec } of this.runs.values())
      if (spec.sessionId === session) this.brain(spec.agent.slug).drop(spec.conversation.id);
  }
}

function removed({ runId, sessionId }: RunSpec): WaybillError {
  return new WaybillError(
    "RUN_REMOVED",
    `Run ${runId} of session ${sessionId} was removed and cannot be prepared again.`,
  );
}

function erased({ sessionId }: RunSpec): WaybillError {
  return new WaybillError(
    "SESSION_ERASED",
    `Session ${sessionId} was erased: no run of it can be prepared. Open another session.`,
  );
}
