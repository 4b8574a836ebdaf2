import type { PlannedFolder } from "@waybill/core";
import type { ContainerRequest } from "./container-request.ts";

/** A `run` of the command line: its arguments, and what it reads. */
export interface RunCommand {
  readonly args: readonly string[];
  /**
   * The environment as `NAME=value` lines on standard input: no process list shows them, and no file
   * is left behind when the orchestrator dies in this moment.
   */
  readonly input: string;
}

/** The arguments of `run` for a container: everything is refused that is not named here. */
export function runArguments(request: ContainerRequest): RunCommand {
  const { lines, args } = environment(request.env);
  return {
    args: [
      "--detach",
      `--name=${request.name}`,
      ...Object.entries(request.labels).map(([name, value]) => `--label=${name}=${value}`),
      // Never --rm: the container is the record of how the run ended.
      "--pull=never",
      // A first process that passes TERM on: a program that is process 1 itself ignores it.
      "--init",
      "--stop-signal=SIGTERM",
      `--stop-timeout=${request.stopSeconds}`,
      "--no-healthcheck",
      ...containment(request),
      ...(request.user === null ? [] : [`--user=${request.user}`]),
      `--workdir=${request.cwd}`,
      "--env-file=/dev/stdin",
      ...args,
      ...request.mounts.map((mount) => `--mount=${bind(mount)}`),
      // The streams go to files; this is for the start line's own complaints, and for whoever writes
      // to the first process's streams: it must not fill the disk.
      "--log-driver=json-file",
      "--log-opt=max-size=16m",
      "--log-opt=max-file=1",
      `--entrypoint=${request.entrypoint}`,
      request.image,
      ...request.args,
    ],
    input: lines.join(""),
  };
}

/** Values with line breaks go into arguments: the lines cannot carry them. */
function environment(env: Readonly<Record<string, string>>): { lines: string[]; args: string[] } {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return {
    lines: variables.filter((one) => !/[\r\n]/u.test(one)).map((one) => `${one}\n`),
    args: variables.filter((one) => /[\r\n]/u.test(one)).map((one) => `--env=${one}`),
  };
}

function containment(request: ContainerRequest): string[] {
  const { tmpfs, capabilities, memory, cpus, ulimits } = request;
  return [
    `--network=${request.network}`,
    ...(request.readOnlyRoot ? ["--read-only"] : []),
    ...Object.entries(tmpfs).map(([at, options]) => `--tmpfs=${at}:${options}`),
    "--cap-drop=ALL",
    ...capabilities.map((capability) => `--cap-add=${capability}`),
    "--security-opt=no-new-privileges",
    // Equal limits mean no swap.
    `--memory=${memory}`,
    `--memory-swap=${memory}`,
    ...(cpus === null ? [] : [`--cpus=${cpus}`]),
    `--pids-limit=${request.pids}`,
    "--ipc=private",
    ...Object.entries(ulimits).map(([name, limit]) => `--ulimit=${name}=${limit}`),
  ];
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
