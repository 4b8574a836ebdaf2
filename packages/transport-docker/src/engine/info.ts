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
    };
  }
  return {
    id: info.ID,
    name: info.Name,
    version: info.ServerVersion,
    rootless: (info.SecurityOptions ?? []).some((option) => option.startsWith("name=rootless")),
  };
}

const either = z.union([
  z.object({
    ID: z.string().min(1),
    Name: z.string().min(1),
    ServerVersion: z.string().min(1),
    SecurityOptions: z.array(z.string()).nullish(),
  }),
  z.object({
    host: z.object({ hostname: z.string(), security: z.object({ rootless: z.boolean() }) }),
    store: z.object({ graphRoot: z.string() }),
    version: z.object({ Version: z.string() }),
  }),
]);
