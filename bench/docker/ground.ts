import { randomBytes } from "node:crypto";
import { readFileSync, statSync, watch } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Mailbox, RunPlan, Transport } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { dockerTransport } from "@waybill/transport-docker";
import { execa } from "execa";

/** What a start gave, in milliseconds from the call. */
export interface Started {
  readonly firstByteMs: number;
  readonly endKnownMs: number;
}

/** A place where contained runs are started in three ways. */
export interface DockerBench extends AsyncDisposable {
  readonly mailbox: Mailbox;
  plan(): Promise<RunPlan>;
  /** A transport of this command, closed at the end. */
  transport(command: readonly string[]): Transport;
  /** By the transport. */
  start(transport: Transport): Promise<Started>;
  /** By the engine's command line, attached, with the transport's flags. */
  startRaw(): Promise<Started>;
  /** As the old runner did it: attached, on the bridge, with everything allowed. */
  startOld(): Promise<Started>;
}

/** Says one word and ends. */
export const shortProgram: readonly string[] = ["sh", "-c", "echo first"];

const image = "node:24-slim";

/** Makes the place in a temporary folder. */
export async function dockerBench(): Promise<DockerBench> {
  const root = await mkdtemp(join(tmpdir(), "waybill-bench-docker-"));
  const mailbox = fsMailbox({ root });
  const owner = `bench-${randomBytes(6).toString("hex")}`;
  const transports: Transport[] = [];
  const repository = fileURLToPath(new URL("../..", import.meta.url));
  const plan = (): Promise<RunPlan> =>
    mailbox.prepare({
      owner,
      sessionId: "bench",
      runId: `run-${randomBytes(12).toString("hex")}`,
      epoch: 1,
      protocol: 1,
      agent: { slug: "bench", name: "Bench" },
      conversation: { id: "bench", resume: false },
      unsettled: [],
      prompt: null,
      config: {},
      runsAs: "dedicated",
    });
  return {
    mailbox,
    plan,
    transport: (command) => {
      const mounts = [{ host: repository, at: "/repository" }];
      const transport = dockerTransport({ image, command, mounts, namePrefix: "waybill-bench" });
      transports.push(transport);
      return transport;
    },
    start: async (transport) => startOurs(transport, await plan()),
    startRaw: async () => attached(["run", "--rm", "-i", ...equalFlags(await plan(), repository)]),
    startOld: async () =>
      attached([
        "run",
        "-i",
        "--rm",
        "-v",
        `${(await plan()).folders[0]?.host}:/workspace`,
        image,
        ...shortProgram,
      ]),
    [Symbol.asyncDispose]: async () => {
      for (const transport of transports) {
        const runs = await transport.list(owner);
        for (const run of runs) {
          await transport.stop(run, 0);
          await transport.remove(run);
        }
        await transport.close();
      }
      await mailbox.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function startOurs(transport: Transport, plan: RunPlan): Promise<Started> {
  const began = performance.now();
  const first = firstByteOf(plan.stdout.host);
  await transport.start(plan);
  for await (const sighting of transport.watch(plan, AbortSignal.timeout(30_000))) {
    if (sighting.type === "exited") break;
  }
  const endKnownMs = performance.now() - began;
  const firstByteMs = (await first) - began;
  await transport.remove(plan);
  return { firstByteMs, endKnownMs };
}

/** The instant at which the file has its first byte. */
function firstByteOf(path: string): Promise<number> {
  return new Promise((resolve) => {
    const watcher = watch(path, () => {
      if (statSync(path).size === 0) return;
      resolve(performance.now());
      watcher.close();
    });
  });
}

async function attached(args: readonly string[]): Promise<Started> {
  const began = performance.now();
  const child = execa("docker", args, { input: "{}" });
  const first = Promise.withResolvers<number>();
  child.stdout.once("data", () => first.resolve(performance.now()));
  await child;
  const endKnownMs = performance.now() - began;
  return { firstByteMs: (await first.promise) - began, endKnownMs };
}

/** What the transport asks of the engine, but for labels and the start line. */
function equalFlags(plan: RunPlan, repository: string): readonly string[] {
  const mounts = [
    ...plan.folders,
    { ...plan.launch, write: true },
    { ...plan.stdin, write: false },
    { ...plan.stdout, write: true },
    { ...plan.stderr, write: true },
    { host: repository, at: "/repository", write: false },
  ].map(
    ({ host, at, write }) =>
      `--mount=type=bind,source=${host},target=${at}${write ? "" : ",readonly"}`,
  );
  return [
    "--pull=never",
    "--init",
    "--stop-timeout=10",
    "--no-healthcheck",
    "--network=none",
    "--read-only",
    "--tmpfs=/tmp:rw,nosuid,nodev,size=64m",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--memory=512m",
    "--memory-swap=512m",
    "--pids-limit=128",
    "--ipc=private",
    "--ulimit=fsize=1073741824",
    "--ulimit=core=0",
    "--ulimit=nofile=16384",
    "--ulimit=nproc=32768",
    "--workdir=/workspace",
    "--log-driver=json-file",
    "--log-opt=max-size=16m",
    "--log-opt=max-file=1",
    `--user=${plan.user?.uid ?? 0}:${plan.user?.gid ?? 0}`,
    ...mounts,
    "--entrypoint=/bin/sh",
    image,
    ...shortProgram.slice(1),
  ];
}

/** Resident memory of this process, in MB. */
export function residentMb(): number {
  const pages = Number(readFileSync("/proc/self/statm", "utf8").split(" ")[1]);
  return (pages * 4096) / 1e6;
}
