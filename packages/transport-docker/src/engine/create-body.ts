import type { ContainerRequest } from "./container-request.ts";

/**
 * The body of `POST /containers/create` for a container: what `run` makes of the arguments of
 * `runArguments`, field by field. A test asks the engine whether the two are one.
 *
 * Source of the fields: Docker Engine API 1.41.
 */
export function createBody(request: ContainerRequest): Readonly<Record<string, unknown>> {
  return {
    Image: request.image,
    Labels: request.labels,
    Entrypoint: [request.entrypoint],
    Cmd: request.args,
    ...(request.user === null ? {} : { User: request.user }),
    WorkingDir: request.cwd,
    Env: Object.entries(request.env).map(([name, value]) => `${name}=${value}`),
    StopSignal: "SIGTERM",
    StopTimeout: request.stopSeconds,
    Healthcheck: { Test: ["NONE"] },
    HostConfig: {
      Init: true,
      NetworkMode: request.network,
      ReadonlyRootfs: request.readOnlyRoot,
      Tmpfs: request.tmpfs,
      CapDrop: ["ALL"],
      CapAdd: request.capabilities,
      SecurityOpt: ["no-new-privileges"],
      Memory: request.memory,
      MemorySwap: request.memory,
      NanoCpus: Math.round((request.cpus ?? 0) * 1e9),
      PidsLimit: request.pids,
      IpcMode: "private",
      Ulimits: Object.entries(request.ulimits).map(([Name, limit]) => ({
        Name,
        Soft: limit,
        Hard: limit,
      })),
      Mounts: request.mounts.map(({ host, at, write }) => ({
        Type: "bind",
        Source: host,
        Target: at,
        ReadOnly: !write,
      })),
      LogConfig: { Type: "json-file", Config: { "max-size": "16m", "max-file": "1" } },
      RestartPolicy: { Name: "no" },
    },
  };
}
