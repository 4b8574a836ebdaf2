import type { PlannedFolder, RunPlan } from "@waybill/core";
import { containerName, runLabels } from "../records/labels.ts";
import type { Settings } from "../options.ts";
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
  /** The path of a file of `NAME=value` lines. */
  readonly environmentFile: string;
  /** More arguments for the environment. */
  readonly environmentArgs: readonly string[];
  /** Extra mounts, their links resolved. */
  readonly mounts: readonly PlannedFolder[];
}

/** The arguments of `docker run` for a run: everything is refused that is not named here. */
export function runArguments(plan: RunPlan, settings: Settings, parts: RunParts): string[] {
  return [
    "--detach",
    `--name=${containerName(settings.namePrefix, plan)}`,
    ...labels(plan, settings, parts),
    // Never --rm: the container is the record of how the run ended.
    "--pull=never",
    // A first process that passes TERM on: a program that is process 1 itself ignores it.
    "--init",
    "--stop-signal=SIGTERM",
    `--stop-timeout=${Math.ceil(settings.stopGraceMs / 1_000)}`,
    "--no-healthcheck",
    ...containment(settings),
    ...(parts.user === null ? [] : [`--user=${parts.user}`]),
    `--workdir=${plan.cwd}`,
    `--env-file=${parts.environmentFile}`,
    ...parts.environmentArgs,
    ...mountsOf(plan, parts).map((mount) => `--mount=${bind(mount)}`),
    // The streams go to files; this is for the start line's own complaints, and for whoever writes
    // to the first process's streams: it must not fill the disk.
    "--log-driver=json-file",
    "--log-opt=max-size=16m",
    "--log-opt=max-file=1",
    "--entrypoint=/bin/sh",
    parts.imageId,
    ...startLine(plan, parts.token, parts.argv),
  ];
}

function labels(plan: RunPlan, settings: Settings, { token }: RunParts): string[] {
  const all = runLabels(plan, token, settings.image);
  return Object.entries(all).map(([name, value]) => `--label=${name}=${value}`);
}

function containment(settings: Settings): string[] {
  const { tmpfs, capabilities, memory, cpus } = settings;
  return [
    `--network=${settings.network}`,
    ...(settings.readOnlyRoot ? ["--read-only"] : []),
    ...Object.entries(tmpfs).map(([at, options]) => `--tmpfs=${at}:${options}`),
    "--cap-drop=ALL",
    ...capabilities.map((capability) => `--cap-add=${capability}`),
    "--security-opt=no-new-privileges",
    // Equal limits mean no swap.
    `--memory=${memory}`,
    `--memory-swap=${memory}`,
    ...(cpus === null ? [] : [`--cpus=${cpus}`]),
    `--pids-limit=${settings.pids}`,
    "--ipc=private",
    `--ulimit=fsize=${settings.fileSizeBytes}`,
    "--ulimit=core=0",
    // Named, or podman asks for more than a root without CAP_SYS_RESOURCE may give.
    `--ulimit=nofile=${settings.openFiles}`,
    `--ulimit=nproc=${userProcesses}`,
  ];
}

/** Of one user on the whole machine, so far above what `pids` allows a run: only so that it is named. */
const userProcesses = 32_768;

/** Every mount once: each stream on its own, so that the run cannot put another file in its place. */
function mountsOf(plan: RunPlan, { mounts }: RunParts): readonly PlannedFolder[] {
  const wanted: readonly PlannedFolder[] = [
    ...plan.folders,
    { ...plan.launch, write: true },
    { ...plan.stdin, write: false },
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

/** `--mount` and not `--volume`: a source that is missing is refused, not made by root. */
function bind({ host, at, write }: PlannedFolder): string {
  const fields = ["type=bind", `source=${host}`, `target=${at}`, ...(write ? [] : ["readonly"])];
  return fields.map(csvField).join(",");
}

/** A field of comma-separated values: the engine's own quoting for a path with a comma in it. */
function csvField(field: string): string {
  return /[",\r\n]/u.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
