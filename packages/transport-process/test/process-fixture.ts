import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { isWaybillError } from "@waybill/core";
import type { PlannedPath, RunPlan, Transport } from "@waybill/core";
import { contractShell } from "@waybill/core/testing";
import type { ContractPlanRequest, TransportFixture } from "@waybill/core/testing";
import { processTransport } from "../src/index.ts";
import type { ProcessTransportOptions } from "../src/index.ts";
import { linuxProcesses } from "../src/linux-processes.ts";

/** A fixture of real processes in a temporary folder of its own. */
export interface ProcessFixture extends TransportFixture {
  readonly root: string;
}

/** A transport of real processes, which leaves the machine as empty as it found it. */
export async function processFixture(
  options: Partial<ProcessTransportOptions> = {},
): Promise<ProcessFixture> {
  const root = await mkdtemp(join(tmpdir(), "waybill-процесс-"));
  const plans: RunPlan[] = [];
  const transports: Transport[] = [];
  const make = (): Transport => {
    const transport = processTransport({ command: scripted, ...options });
    transports.push(transport);
    return transport;
  };
  const fixture: ProcessFixture = {
    root,
    transport: make(),
    another: async () => make(),
    plan: async (request) => {
      const plan = await makePlan(root, request);
      plans.push(plan);
      return plan;
    },
    extendLease: (plan, until) => writeFile(plan.lease?.file.host ?? "", `${until}\n`),
    output: (plan, stream) => readFile(plan[stream].host, "utf8"),
    // As when the disk with the records is not mounted.
    unreachable: async () => {
      await rename(root, `${root}.away`);
      return () => rename(`${root}.away`, root);
    },
    [Symbol.asyncDispose]: async () => {
      unfinished.delete(fixture);
      const cleaner = make();
      for (const plan of plans) await clean(cleaner, plan);
      for (const transport of transports) await transport.close();
      await rm(root, { recursive: true });
      assert.deepEqual(
        plans.flatMap((plan) => taggedPids(plan.runId)),
        [],
        "processes are left",
      );
    },
  };
  unfinished.add(fixture);
  return fixture;
}

/** A test that ran out of time leaves its fixture behind. */
const unfinished = new Set<ProcessFixture>();
afterAll(async () => {
  for (const fixture of unfinished) await fixture[Symbol.asyncDispose]();
});

async function clean(transport: Transport, plan: RunPlan): Promise<void> {
  try {
    await transport.stop(plan, 0);
  } catch (error) {
    // Records that a test forged name another machine: there is nothing to stop here.
    if (!isWaybillError(error) || error.code !== "RUN_ELSEWHERE") throw error;
  }
}

/** The command that runs whatever program the plan's environment names. */
export const scripted: readonly [string, ...string[]] = ["sh", "-c", 'eval "$CONTRACT_PROGRAM"'];

/** The pids of all living processes that bear the run's tag. */
export function taggedPids(runId: string): number[] {
  const table = linuxProcesses();
  return table
    .all()
    .filter((entry) => entry.alive && table.environmentOf(entry.pid, "WAYBILL_RUN") === runId)
    .map((entry) => entry.pid);
}

async function makePlan(root: string, request: ContractPlanRequest): Promise<RunPlan> {
  const runId = `r-${randomBytes(10).toString("hex")}`;
  const home = join(root, runId);
  const [control, launch, workspace] = ["control", "launch", "workspace"].map((name) =>
    join(home, name),
  ) as [string, string, string];
  for (const folder of [control, launch, workspace]) await mkdir(folder, { recursive: true });
  const streams = {
    stdin: join(home, "stdin"),
    stdout: join(home, "out"),
    stderr: join(home, "err"),
  };
  await writeFile(streams.stdin, request.stdin ?? "");
  await writeFile(streams.stdout, "");
  await writeFile(streams.stderr, "");
  await writeFile(join(workspace, "letter.txt"), request.letter ?? "");
  return {
    owner: request.owner ?? `owner-${randomUUID()}`,
    sessionId: "task-42",
    runId,
    epoch: 3,
    control,
    launch: { host: launch, at: "/waybill/launch" },
    protocol: 1,
    user: null,
    folders: [{ host: workspace, at: "/workspace", write: true }],
    env: {
      ...request.env,
      CONTRACT_PROGRAM: contractShell(request.program),
      CONTRACT_LETTER: { folder: "/workspace", file: "letter.txt" },
    },
    cwd: "/workspace",
    stdin: { host: streams.stdin, at: "/waybill/stdin" },
    stdout: { host: streams.stdout, at: "/waybill/stdout" },
    stderr: { host: streams.stderr, at: "/waybill/stderr" },
    ...(request.lease === undefined
      ? {}
      : { lease: { ...request.lease, file: await lease(home) } }),
  };
}

/** One that has ended. */
async function lease(home: string): Promise<PlannedPath> {
  const host = join(home, "lease");
  await writeFile(host, "0\n");
  return { host, at: "/waybill/lease" };
}
