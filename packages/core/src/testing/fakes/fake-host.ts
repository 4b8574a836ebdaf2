import { WaybillError } from "../../errors.ts";
import type { RunId, SessionId } from "../../ids.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Incoming } from "../../ports/agent-word.ts";
import type { Mailbox, ReceiveOptions } from "../../ports/mailbox.ts";
import type { RunHandle, RunPlan, RunSpec } from "../../ports/run-plan.ts";
import type { RunExit, RunSighting, Transport } from "../../ports/transport.ts";
import { FakeBrain } from "./fake-brain.ts";
import { FakeRun } from "./fake-run.ts";
import type { Step } from "./script.ts";

/** The machine of a fake world: its runs live on whatever becomes of the orchestrator. */
export class FakeHost {
  /** Every run that was ever prepared, by id. */
  readonly runs: Map<string, FakeRun> = new Map();
  /** Runs of one session that lived at the same time: always empty, or Waybill is broken. */
  readonly twins: (readonly RunId[])[] = [];
  readonly #erased = new Set<SessionId>();
  readonly #clock: Clock;
  readonly #brains = new Map<string, FakeBrain>();
  readonly #scripts: Readonly<Record<string, readonly Step[]>>;

  constructor(scripts: Readonly<Record<string, readonly Step[]>>, clock: Clock) {
    this.#scripts = scripts;
    this.#clock = clock;
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

  /** The mailbox of this machine. */
  mailbox(): Mailbox {
    return {
      check: async () => {},
      prepare: async (spec) => this.#prepare(spec),
      locate: (spec) => handleOf(spec),
      put: async (plan, letter) => this.#run(plan).put(letter),
      receive: (plan, options) => this.#receive(plan, options),
      remove: async (handle) => {
        const run = this.runs.get(handle.runId);
        if (run !== undefined) run.forgotten = true;
      },
      erase: async (session) => {
        this.#erased.add(session);
        for (const { spec } of this.runs.values())
          if (spec.sessionId === session) this.brain(spec.agent.slug).drop(spec.conversation.id);
      },
      close: async () => {},
    };
  }

  /** The transport of this machine. */
  transport(): Transport {
    return {
      kind: "fake",
      runsAs: "host",
      check: async () => ({ protocol: 1, host: "fake" }),
      start: async (plan) => {
        const run = this.#run(plan);
        if (run.launched === "never" || run.exit !== null || run.removed) throw ended(plan);
        const already = run.launched === "yes";
        if (!already) this.#launch(run);
        return { host: "fake", handle: plan.runId, already };
      },
      watch: (run, signal) => this.#watch(run, signal),
      stop: async (handle) => this.#stop(handle),
      remove: async (handle) => {
        const run = this.runs.get(handle.runId);
        if (run !== undefined) run.removed = true;
      },
      list: async (owner) =>
        [...this.runs.values()]
          .filter((run) => run.spec.owner === owner && run.launched === "yes" && !run.removed)
          .map(({ spec }) => handleOf(spec)),
      close: async () => {},
    };
  }

  #launch(run: FakeRun): void {
    run.launch();
    const { sessionId } = run.spec;
    const together = this.live().filter((each) => each.spec.sessionId === sessionId);
    if (together.length > 1) this.twins.push(together.map(({ spec }) => spec.runId));
  }

  #prepare(spec: RunSpec): RunPlan {
    const isGone = this.runs.get(spec.runId)?.forgotten || this.#erased.has(spec.sessionId);
    if (isGone) throw removed(spec);
    if (!this.runs.has(spec.runId)) {
      this.runs.set(spec.runId, new FakeRun(spec, this.brain(spec.agent.slug), this.#clock));
    }
    const nowhere = { host: "/nowhere", at: "/nowhere" };
    return {
      ...handleOf(spec),
      protocol: spec.protocol,
      user: null,
      folders: [],
      env: {},
      cwd: "/nowhere",
      stdin: nowhere,
      stdout: nowhere,
      stderr: nowhere,
    };
  }

  #run(handle: RunHandle): FakeRun {
    const run = this.runs.get(handle.runId);
    if (run === undefined) throw new TypeError(`Run ${handle.runId} was never prepared.`);
    return run;
  }

  async *#receive(plan: RunPlan, options: ReceiveOptions): AsyncGenerator<readonly Incoming[]> {
    const run = this.#run(plan);
    let { seq } = options.after;
    let aliveAt = -1;
    let caughtUp = false;
    for (;;) {
      run.said.forget(seq); // asking for more says that what was handed over is recorded
      const words = run.said.after(seq);
      const signs: Incoming[] = [];
      if (run.aliveAt !== null && run.aliveAt > aliveAt)
        signs.push({ type: "alive", at: run.aliveAt });
      if (!caughtUp) signs.push({ type: "caught_up" });
      aliveAt = run.aliveAt ?? aliveAt;
      caughtUp = true;
      seq = words.at(-1)?.mark.seq ?? seq;
      if (words.length + signs.length > 0) yield [...words, ...signs];
      else if (!options.follow || options.signal.aborted) return;
      else await run.bell.next(options.signal);
    }
  }

  async *#watch(handle: RunHandle, signal: AbortSignal): AsyncGenerator<RunSighting> {
    const run = this.runs.get(handle.runId);
    if (run === undefined || run.launched !== "yes") {
      yield { type: "absent" };
      return;
    }
    if (run.exit === null) yield { type: "running" };
    while (run.exit === null && !signal.aborted) await run.bell.next(signal);
    if (run.exit !== null) yield { type: "exited", exit: run.exit };
  }

  #stop(handle: RunHandle): RunExit | null {
    const run = this.runs.get(handle.runId);
    if (run === undefined) return null;
    if (run.launched !== "yes") {
      run.launched = "never";
      return null;
    }
    run.end({ exitCode: null, signal: "SIGTERM", oomKilled: false });
    return run.exit;
  }
}

function handleOf({ owner, sessionId, runId, epoch }: RunSpec): RunHandle {
  const launch = { host: "/nowhere", at: "/nowhere" };
  return { owner, sessionId, runId, epoch, control: "/nowhere", launch };
}

function ended({ runId }: RunHandle): WaybillError {
  return new WaybillError("RUN_ENDED", `Run ${runId} has ended and can never start again.`);
}

function removed({ runId, sessionId }: RunSpec): WaybillError {
  return new WaybillError(
    "RUN_REMOVED",
    `Run ${runId} of session ${sessionId} was removed and cannot be prepared again.`,
  );
}
