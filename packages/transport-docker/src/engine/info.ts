import { release } from "node:os";
import { z } from "zod";

/** Which engine answers. */
export interface EngineInfo {
  /** The engine's own identity: the same engine gives the same one after a restart. */
  readonly id: string;
  /** The machine's name, for people. */
  readonly name: string;
  readonly version: string;
  /** Whether root inside a container is an ordinary user outside. */
  readonly rootless: boolean;
  /** Whether it runs under another kernel than we do: on another machine, or in a virtual one. */
  readonly remote: boolean;
  /** Whether runs outlive a restart of the engine; null where there is no daemon to restart. */
  readonly liveRestore: boolean | null;
  readonly loggingDriver: string;
  /** The version of the cgroups. */
  readonly cgroups: string;
  /** What its cgroups cannot limit. */
  readonly missing: readonly string[];
}

/** Reads the output of `info`, which docker and podman spell quite differently. */
export function parseInfo(text: string): EngineInfo {
  const info = either.parse(JSON.parse(text));
  if ("host" in info) {
    return {
      id: `podman ${info.host.hostname} ${info.store.graphRoot}`,
      name: info.host.hostname,
      version: info.version.Version,
      rootless: info.host.security.rootless,
      remote: info.host.serviceIsRemote,
      liveRestore: null,
      loggingDriver: info.host.logDriver,
      cgroups: info.host.cgroupVersion,
      missing: ["memory", "pids"].filter((name) => !info.host.cgroupControllers.includes(name)),
    };
  }
  return {
    id: info.ID,
    name: info.Name,
    version: info.ServerVersion,
    rootless: (info.SecurityOptions ?? []).some((option) => option.startsWith("name=rootless")),
    remote: info.KernelVersion !== undefined && info.KernelVersion !== release(),
    liveRestore: info.LiveRestoreEnabled,
    loggingDriver: info.LoggingDriver,
    cgroups: `v${info.CgroupVersion}`,
    missing: [...(info.MemoryLimit ? [] : ["memory"]), ...(info.PidsLimit ? [] : ["pids"])],
  };
}

const either = z.union([
  z.object({
    ID: z.string().min(1),
    Name: z.string().min(1),
    ServerVersion: z.string().min(1),
    SecurityOptions: z.array(z.string()).nullish(),
    KernelVersion: z.string().optional(),
    LiveRestoreEnabled: z.boolean().default(false),
    LoggingDriver: z.string().default("unknown"),
    CgroupVersion: z.string().default("1"),
    MemoryLimit: z.boolean().default(true),
    PidsLimit: z.boolean().default(true),
  }),
  z.object({
    host: z.object({
      hostname: z.string(),
      security: z.object({ rootless: z.boolean() }),
      serviceIsRemote: z.boolean().default(false),
      logDriver: z.string().default("unknown"),
      cgroupVersion: z.string().default("v1"),
      cgroupControllers: z.array(z.string()).default(["memory", "pids"]),
    }),
    store: z.object({ graphRoot: z.string() }),
    version: z.object({ Version: z.string() }),
  }),
]);
