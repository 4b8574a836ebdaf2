import { WaybillError } from "../../errors.ts";
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
    return [...this.runs.values()].filter(
      ({ launched, exit }) => launched === "yes" && exit === null,
    );
  }

  /** The mailbox of this machine. */
  mailbox(): Mailbox {
    return {
      check: async () => {},
      prepare: async (spec) => this.#prepare(spec),
      locate: (spec) => handleOf(spec),
      put: async (plan, letter) => this.#run(plan).put(letter),
      receive: (plan, options) => this.#receive(plan, options),
      remove: async () => {},
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
        if (!already) run.launch();
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

  #prepare(spec: RunSpec): RunPlan {
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
    let seq = options.after.seq;
    let caughtUp = false;
    for (;;) {
      const batch = run.words.filter(({ mark }) => mark.seq > seq);
      seq = batch.at(-1)?.mark.seq ?? seq;
      const live: Incoming[] = caughtUp ? [] : [{ type: "caught_up" }];
      caughtUp = true;
      if (batch.length + live.length > 0) yield [...batch, ...live];
      if (run.words.some(({ mark }) => mark.seq > seq)) continue;
      if (!options.follow || options.signal.aborted) return;
      await run.bell.next(options.signal);
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
