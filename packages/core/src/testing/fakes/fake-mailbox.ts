import { WaybillError } from "../../errors.ts";
import type { Incoming } from "../../ports/agent-word.ts";
import type { Mailbox, ReceiveOptions } from "../../ports/mailbox.ts";
import type { RunHandle, RunPlan } from "../../ports/run-plan.ts";
import type { FakeHost } from "./fake-host.ts";
import { fakeHandle, fakePlan } from "./fake-plan.ts";
import type { FakeRun } from "./fake-run.ts";

/** A mailbox whose letters and words lie in the runs of a fake machine. */
export function fakeMailbox(host: FakeHost, folders: string | null = null): Mailbox {
  const closing = new AbortController();
  return {
    check: async () => {},
    prepare: async (spec) => {
      host.prepare(spec);
      return fakePlan(spec);
    },
    locate: fakeHandle,
    leases: {
      now: () => host.clock.now(),
      extend: async (handle, until) => open(host, handle).lease?.extend(until),
    },
    ...(folders === null ? {} : { site: async () => folders }),
    put: async (plan, letter) => open(host, plan).put(letter),
    receive: (plan, options) => {
      const signal = AbortSignal.any([options.signal, closing.signal]);
      return receive(host, plan, { ...options, signal });
    },
    remove: async ({ runId }) => {
      const run = host.runs.get(runId);
      if (run !== undefined) run.forgotten = true;
    },
    erase: async (session) => host.erase(session),
    close: async () => closing.abort(),
  };
}

async function* receive(
  host: FakeHost,
  plan: RunPlan,
  { after, follow, signal }: ReceiveOptions,
): AsyncGenerator<readonly Incoming[]> {
  if (!follow && host.runs.get(plan.runId)?.forgotten) {
    yield [{ type: "caught_up" }]; // it has said its last
    return;
  }
  const run = open(host, plan);
  let { seq } = after;
  let aliveAt = -1;
  let shown = run.shown.length; // what it did before nobody was there to see
  let caughtUp = false;
  for (;;) {
    run.said.forget(seq); // asking for more says that what was handed over is recorded
    const words = run.said.after(seq);
    const signs: Incoming[] = run.shown
      .slice(shown)
      .map((activity) => ({ type: "activity", activity }));
    if (run.aliveAt !== null && run.aliveAt > aliveAt)
      signs.push({ type: "alive", at: run.aliveAt });
    if (!caughtUp) signs.push({ type: "caught_up" });
    aliveAt = run.aliveAt ?? aliveAt;
    shown = run.shown.length;
    caughtUp = true;
    seq = words.at(-1)?.mark.seq ?? seq;
    if (words.length + signs.length > 0) yield [...words, ...signs];
    else if (!follow || signal.aborted) return;
    else await run.bell.next(signal);
  }
}

function open(host: FakeHost, { runId, sessionId }: RunHandle): FakeRun {
  const run = host.runs.get(runId);
  const details = { sessionId, runId };
  if (run === undefined) {
    const message = `Run ${runId} has no mailbox here: prepare it first.`;
    throw new WaybillError("MAILBOX_MISSING", message, { details });
  }
  if (run.forgotten) {
    const message = `Run ${runId} was removed; nothing more passes through its mailbox.`;
    throw new WaybillError("RUN_REMOVED", message, { details });
  }
  return run;
}
