import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  PlannedFolder,
  PlannedPath,
  RunLease,
  RunPlan,
  RunSighting,
  Transport,
} from "@waybill/core";
import { execa } from "execa";
import { dockerTransport } from "../src/index.ts";
import type { DockerTransportOptions } from "../src/index.ts";

/** The image that everything here is made from; `.ci/base-image.sh` provides it. */
export const baseImage = "node:24-slim";

/** The engine's command line: set WAYBILL_TEST_ENGINE to try another. */
const engine: string = process.env["WAYBILL_TEST_ENGINE"] ?? "docker";

/** A small image that speaks protocol 1 and runs whatever the variable PROGRAM says. */
export const testImage = "waybill-transport-docker-test:protocol-1";

/** The uid of runs: no account's where the host is root, so that files tell who wrote them. */
export const user =
  process.getuid?.() === 0
    ? { uid: 48_211, gid: 48_211 }
    : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

/** Makes the test image, in 0.1 s where it is there. */
export async function buildTestImage(program: string = engine): Promise<void> {
  const lines = [
    `FROM ${baseImage}`,
    "LABEL dev.waybill.protocol=1",
    "ENTRYPOINT []",
    `CMD ["/bin/sh", "-c", "eval \\"$PROGRAM\\""]`,
  ];
  await buildImage(testImage, lines, program);
}

/** Makes an image from the lines of a Dockerfile. */
export async function buildImage(
  name: string,
  lines: readonly string[],
  program: string = engine,
): Promise<void> {
  const env = { DOCKER_BUILDKIT: "0" };
  await execa(program, ["build", "--quiet", "--tag", name, "-"], { input: lines.join("\n"), env });
}

/** What a test wants to be special about a run. */
export interface PlanRequest {
  /** Text for `sh -c`. Default: exits 0 at once. */
  readonly program?: string;
  readonly owner?: string;
  readonly sessionId?: string;
  readonly protocol?: 0 | 1;
  readonly stdin?: string;
  readonly letter?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly folders?: readonly PlannedFolder[];
  readonly lease?: RunLease;
}

/** A folder of its own on the host, the plans made in it, and what cleans both up. */
export interface Ground extends AsyncDisposable {
  readonly root: string;
  readonly owner: string;
  transport(options?: Partial<DockerTransportOptions>): Transport;
  plan(request?: PlanRequest): Promise<RunPlan>;
  read(plan: RunPlan, stream: "stdout" | "stderr"): Promise<string>;
}

/** Makes a ground whose parents only the host may enter, as a mailbox does. */
export async function newGround(program: string = engine): Promise<Ground> {
  const root = await mkdtemp(join(tmpdir(), "waybill-docker-"));
  const owner = `test-${randomBytes(6).toString("hex")}`;
  const transports: Transport[] = [];
  const plans: RunPlan[] = [];
  return {
    root,
    owner,
    transport: (options) => {
      const transport = dockerTransport({ image: testImage, engine: program, ...options });
      transports.push(transport);
      return transport;
    },
    plan: async (request = {}) => {
      const plan = await makePlan(root, { owner, ...request });
      plans.push(plan);
      return plan;
    },
    read: (plan, stream) => readFile(plan[stream].host, "utf8"),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(transports.map((transport) => transport.close()));
      const names = plans.map(nameOf);
      // Each by itself: podman stops at the first that is not there.
      const remove = (name: string) => ["rm", "--force", "--volumes", "--time=0", name];
      for (const name of program === "podman" ? names : []) {
        await execa(program, remove(name), { reject: false });
      }
      if (names.length > 0 && program !== "podman") {
        await docker("rm", "--force", "--volumes", ...names);
      }
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function makePlan(root: string, request: PlanRequest): Promise<RunPlan> {
  const runId = `run-${randomBytes(8).toString("hex")}`;
  const home = join(root, runId);
  await mkdir(home, { mode: 0o700 });
  const folder = async (name: string, at: string, write: boolean): Promise<PlannedFolder> => {
    const host = join(home, name);
    await mkdir(host);
    await give(host, write);
    return { host, at, write };
  };
  const file = async (name: string, text: string, write: boolean): Promise<PlannedPath> => {
    const host = join(home, name);
    await writeFile(host, text);
    await give(host, write);
    return { host, at: `/waybill/${name}` };
  };
  const workspace = await folder("workspace", "/workspace", true);
  if (request.letter !== undefined) {
    await writeFile(join(workspace.host, "letter.txt"), request.letter);
    await give(join(workspace.host, "letter.txt"), true);
  }
  const control = join(home, "control");
  await mkdir(control, { mode: 0o700 });
  return {
    owner: request.owner ?? "nobody",
    sessionId: request.sessionId ?? "session-1",
    runId,
    epoch: 3,
    control,
    launch: await folder("launch", "/waybill/launch", true),
    protocol: request.protocol ?? 1,
    user,
    folders: [
      workspace,
      await folder("inbox", "/waybill/inbox", false),
      await folder("outbox", "/waybill/outbox", true),
      ...(request.folders ?? []),
    ],
    env: {
      PROGRAM: request.program ?? "exit 0",
      CONTRACT_LETTER: { folder: "/workspace", file: "letter.txt" },
      ...request.env,
    },
    cwd: "/workspace",
    stdin: await file("stdin", request.stdin ?? "", false),
    stdout: await file("stdout", "", true),
    stderr: await file("stderr", "", true),
    ...(request.lease === undefined
      ? {}
      : { lease: { ...request.lease, file: await file("lease", "0\n", false) } }),
  };
}

/** Gives a path to the run's user, or lets it only read; explicitly, whatever the umask. */
async function give(path: string, write: boolean): Promise<void> {
  await chmod(path, write ? 0o700 : 0o755);
  if (write && process.getuid?.() === 0) await chown(path, user.uid, user.gid);
}

/** Writes into the plan's lease, in place, that it ends at this instant. */
export async function extendLease(plan: RunPlan, instant: number): Promise<void> {
  await writeFile(plan.lease?.file.host ?? "", `${instant}\n`);
}

/** The name of the plan's container. */
export function nameOf(plan: RunPlan): string {
  return `waybill-${plan.runId}`;
}

/** A program of shell lines that stands for the engine's command line. */
export async function fakeEngine(ground: Ground, lines: readonly string[]): Promise<string> {
  const path = join(ground.root, `engine-${randomBytes(4).toString("hex")}`);
  await writeFile(path, ["#!/bin/sh", ...lines, ""].join("\n"), { mode: 0o755 });
  await chmod(path, 0o755);
  return path;
}

/** Runs the engine's command line; a failure is a value. */
export async function docker(...args: string[]): Promise<string> {
  return (await execa(engine, args, { reject: false, all: true })).all;
}

/** All that a watch tells until it ends by itself, or for 50 s. */
export async function sightings(transport: Transport, plan: RunPlan): Promise<RunSighting[]> {
  const seen: RunSighting[] = [];
  for await (const sighting of transport.watch(plan, AbortSignal.timeout(50_000))) {
    seen.push(sighting);
  }
  return seen;
}

/** Resolves once it holds; fails after 40 s. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 40_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Waited 40 s in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
