import type {
  AgentWord,
  Incoming,
  Letter,
  Mailbox,
  RunHandle,
  RunPlan,
  RunSpec,
  Transport,
} from "@waybill/core";

/** Runs that are nothing but an answer to each message: what is left is the orchestrator's own work. */
export function instantAgent(): { readonly transport: Transport; readonly mailbox: Mailbox } {
  const runs = new Map<string, InstantRun>();
  const runOf = ({ runId }: Pick<RunHandle, "runId">): InstantRun => {
    const run = runs.get(runId) ?? new InstantRun();
    runs.set(runId, run);
    return run;
  };
  return {
    transport: {
      kind: "instant",
      runsAs: "host",
      check: async () => ({ protocol: 1, host: "here" }),
      start: async (plan) => {
        runOf(plan).say({ type: "hello", agent: "instant", context: "fresh", holds: [] });
        return { host: "here", handle: plan.runId, already: false };
      },
      async *watch(run, signal) {
        yield { type: "running" };
        await Promise.race([runOf(run).over, aborted(signal)]);
        if (!signal.aborted) yield { type: "exited", exit: ended };
      },
      stop: async (run) => {
        runOf(run).end();
        return ended;
      },
      remove: async () => {},
      list: async () => [],
      close: async () => {},
    },
    mailbox: {
      check: async () => {},
      prepare: async (spec) => planOf(spec),
      put: async (plan, letter) => runOf(plan).take(letter),
      receive: (plan, { after, follow, signal }) => runOf(plan).words(after.seq, follow, signal),
      locate: (spec) => planOf(spec),
      remove: async ({ runId }) => void runs.delete(runId),
      erase: async () => {},
      close: async () => {},
    },
  };
}

const ended = { exitCode: 0, signal: null, oomKilled: false } as const;

class InstantRun {
  readonly #words: Incoming[] = [];
  readonly #end = Promise.withResolvers<void>();
  /** The number of the last word that was taken in. */
  #said = 0;
  #forgotten = 0;
  #turns = 0;
  #bell = Promise.withResolvers<void>();

  get over(): Promise<void> {
    return this.#end.promise;
  }

  end(): void {
    this.#end.resolve();
  }

  say(...words: readonly AgentWord[]): void {
    for (const word of words) {
      this.#said += 1;
      this.#words.push({
        type: "word",
        mark: { seq: this.#said, offset: 0 },
        at: Date.now(),
        word,
      });
    }
    this.#ring();
  }

  take(letter: Letter): void {
    if (letter.type === "close") {
      this.say({ type: "bye" });
      this.end();
    }
    if (letter.type !== "message") return;
    this.#turns += 1;
    const turn = `t${this.#turns}`;
    this.say(
      { type: "accepted", turn, message: letter.id },
      { type: "turn_ended", turn, outcome: "completed", text: "Done." },
    );
  }

  async *words(
    after: number,
    follow: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Incoming[]> {
    signal.addEventListener("abort", () => this.#ring(), { once: true });
    for (let next = after; !signal.aborted;) {
      this.#words.splice(0, next - this.#forgotten);
      this.#forgotten = next;
      const batch = [...this.#words];
      if (batch.length > 0) {
        next += batch.length;
        yield batch;
      } else {
        if (!follow) return;
        await this.#bell.promise;
      }
    }
  }

  #ring(): void {
    this.#bell.resolve();
    this.#bell = Promise.withResolvers();
  }
}

function planOf(spec: RunSpec): RunPlan {
  const { owner, sessionId, runId, epoch, protocol } = spec;
  const nowhere = { host: "/nowhere", at: "/nowhere" };
  return {
    ...{ owner, sessionId, runId, epoch, protocol },
    control: "/nowhere",
    launch: nowhere,
    user: null,
    folders: [],
    env: {},
    cwd: "/nowhere",
    ...{ stdin: nowhere, stdout: nowhere, stderr: nowhere },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
