import { WaybillError } from "../../errors.ts";
import { isSamePlace } from "../../ports/site.ts";
import type { RunHandle, RunPlan } from "../../ports/run-plan.ts";
import type { RunExit, RunSighting, Started, Transport } from "../../ports/transport.ts";
import type { FakeHost } from "./fake-host.ts";
import { fakeHandle } from "./fake-plan.ts";

/** A transport whose processes are the runs of a fake machine. */
export function fakeTransport(host: FakeHost, name: string | null = null): Transport {
  const closing = new AbortController();
  return {
    kind: "fake",
    runsAs: "host",
    check: async () => {
      answering(host);
      return { protocol: 1, host: "fake" };
    },
    ...(name === null ? {} : { site: async () => name }),
    start: async (plan, signal) => start(host, name, plan, signal),
    watch: (run, signal) => watch(host, name, run, AbortSignal.any([signal, closing.signal])),
    stop: async (run, graceMs) => {
      assertHere(host, name, run);
      return stop(host, run, graceMs);
    },
    remove: async (run) => {
      answering(host);
      assertHere(host, name, run);
      const known = host.runs.get(run.runId);
      if (known !== undefined) known.removed = true;
    },
    list: async (owner) => {
      answering(host);
      return [...host.runs.values()]
        .filter((run) => run.spec.owner === owner && run.launched === "yes" && !run.removed)
        .filter((run) => isSamePlace(run.host, name))
        .map(({ spec }) => fakeHandle(spec));
    },
    close: async () => closing.abort(),
  };
}

function start(host: FakeHost, name: string | null, plan: RunPlan, signal?: AbortSignal): Started {
  signal?.throwIfAborted();
  answering(host);
  assertHere(host, name, plan);
  const run = host.runs.get(plan.runId);
  if (run === undefined) throw unprepared(plan);
  if (run.launched === "never" || run.exit !== null || run.removed) throw ended(plan);
  const already = run.launched === "yes";
  if (!already && run.lease !== null && run.lease.until <= host.clock.now()) throw leaseEnded(plan);
  if (!already) host.launch(run, plan, name);
  return { host: "fake", handle: plan.runId, already };
}

async function* watch(
  host: FakeHost,
  name: string | null,
  { runId }: RunHandle,
  signal: AbortSignal,
): AsyncGenerator<RunSighting> {
  while (host.silence !== null && !signal.aborted) await host.silence.next(signal);
  const run = host.runs.get(runId);
  // What lives on another host is not seen from here, and that proves nothing.
  const isElsewhere = run?.launched === "yes" && !isSamePlace(run.host, name);
  while (isElsewhere && !signal.aborted) await run.bell.next(signal);
  if (run === undefined || run.launched !== "yes") {
    if (!signal.aborted) yield { type: "absent" };
    return;
  }
  if (run.exit === null) yield { type: "running" };
  while (run.exit === null && !signal.aborted) await run.bell.next(signal);
  if (run.exit !== null) yield { type: "exited", exit: run.exit };
}

async function stop(host: FakeHost, handle: RunHandle, graceMs: number): Promise<RunExit | null> {
  answering(host);
  host.forbid(handle);
  const run = host.runs.get(handle.runId);
  if (run === undefined || run.launched !== "yes") return null;
  run.term();
  if (run.exit === null) {
    const grace = new AbortController();
    const cancel = host.clock.after(graceMs, () => grace.abort());
    while (run.exit === null && !grace.signal.aborted) await run.bell.next(grace.signal);
    cancel();
  }
  run.end({ exitCode: null, signal: "SIGKILL", oomKilled: false });
  return run.exit;
}

function assertHere(host: FakeHost, name: string | null, { runId }: RunHandle): void {
  const run = host.runs.get(runId);
  if (run?.launched !== "yes" || isSamePlace(run.host, name)) return;
  throw new WaybillError("RUN_ELSEWHERE", `Run ${runId} lives on ${run.host}: ask there.`, {
    class: "transient",
    details: { runId },
  });
}

function leaseEnded({ runId }: RunHandle): WaybillError {
  return new WaybillError(
    "LEASE_ENDED",
    `The lease of run ${runId} has ended: it must not begin.`,
    {
      class: "transient",
      details: { runId },
    },
  );
}

function answering(host: FakeHost): void {
  if (host.silence === null) return;
  throw new WaybillError("HOST_UNREACHABLE", "The fake machine does not answer: try again later.", {
    class: "transient",
  });
}

function ended({ runId }: RunHandle): WaybillError {
  return new WaybillError("RUN_ENDED", `Run ${runId} has ended and can never start again.`, {
    details: { runId },
  });
}

function unprepared({ runId }: RunHandle): WaybillError {
  return new WaybillError("START_FAILED", `Run ${runId} was never prepared: prepare it first.`, {
    class: "transient",
    details: { runId },
  });
}
