import type { PlannedFolder, RunPlan } from "@waybill/core";
import type { ContainerRequest } from "../engine/container-request.ts";
import type { Settings } from "../options.ts";
import { containerName, runLabels } from "../records/labels.ts";
import { runEnvironment } from "./environment.ts";
import { startLine } from "./start-line.ts";

/** What a start needs to know beside the plan and the settings. */
export interface RunParts {
  /** What this start writes into the marker. */
  readonly token: string;
  /** The image's id: what was inspected is what runs, whatever the name points to by then. */
  readonly imageId: string;
  /** The program and its arguments. */
  readonly argv: readonly string[];
  /** `uid:gid`, or null for the image's own user. */
  readonly user: string | null;
  /** Extra mounts, their links resolved. */
  readonly mounts: readonly PlannedFolder[];
}

/** The container of a run. */
export function runContainer(
  plan: RunPlan,
  settings: Settings,
  { token, imageId, argv, user, mounts }: RunParts,
): ContainerRequest {
  const { network, readOnlyRoot, tmpfs, capabilities, memory, cpus, pids } = settings;
  return {
    name: containerName(settings.namePrefix, plan),
    image: imageId,
    labels: runLabels(plan, token, settings.image),
    entrypoint: "/bin/sh",
    args: startLine(plan, token, argv),
    user,
    cwd: plan.cwd,
    env: runEnvironment(plan),
    mounts: mountsOf(plan, mounts),
    ...{ network, readOnlyRoot, tmpfs, capabilities, memory, cpus, pids },
    ulimits: {
      fsize: settings.fileSizeBytes,
      core: 0,
      // Named, or podman asks for more than a root without CAP_SYS_RESOURCE may give.
      nofile: settings.openFiles,
      nproc: userProcesses,
    },
    stopSeconds: Math.ceil(settings.stopGraceMs / 1_000),
  };
}

/** Of one user on the whole machine, so far above what `pids` allows a run: only so that it is named. */
const userProcesses = 32_768;

/** Every mount once: each stream on its own, so that the run cannot put another file in its place. */
function mountsOf(plan: RunPlan, mounts: readonly PlannedFolder[]): readonly PlannedFolder[] {
  const wanted: readonly PlannedFolder[] = [
    ...plan.folders,
    { ...plan.launch, write: true },
    { ...plan.stdin, write: false },
    ...(plan.lease === undefined ? [] : [{ ...plan.lease.file, write: false }]),
    { ...plan.stdout, write: true },
    { ...plan.stderr, write: true },
    ...mounts,
  ];
  const places = new Map<string, PlannedFolder>();
  for (const mount of wanted) {
    const there = places.get(mount.at);
    if (there !== undefined && there.host !== mount.host) {
      throw new TypeError(`${there.host} and ${mount.host} are both to be mounted at ${mount.at}.`);
    }
    if (there === undefined) places.set(mount.at, mount);
  }
  return [...places.values()];
}
