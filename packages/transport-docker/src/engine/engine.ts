import type { CommandResult, Following } from "./command.ts";
import type { Container } from "./container.ts";
import type { ContainerRequest } from "./container-request.ts";
import type { EngineEvent } from "./event.ts";
import type { Image } from "./image.ts";
import type { EngineInfo } from "./info.ts";

/**
 * A container engine. Questions throw `ENGINE_MISSING`, `ENGINE_FORBIDDEN` or `ENGINE_UNAVAILABLE`
 * where the engine does not answer. The results of changes prove nothing: ask afterwards.
 */
export interface Engine {
  /** The name of its command line, for messages to people. */
  readonly program: string;
  info(signal?: AbortSignal): Promise<EngineInfo>;
  /** Null where the engine has no such image. */
  image(name: string, signal?: AbortSignal): Promise<Image | null>;
  /** Fetches an image from its registry. */
  pull(name: string, signal?: AbortSignal): Promise<CommandResult>;
  /** By name or id. Only what the engine positively does not have is left out. */
  containers(names: readonly string[], signal?: AbortSignal): Promise<readonly Container[]>;
  /** Every container, dead or alive, with this label and value. */
  labelled(label: string, value: string): Promise<readonly Container[]>;
  /** Makes a container and starts it; its id is the output. */
  run(request: ContainerRequest, signal?: AbortSignal): Promise<CommandResult>;
  start(id: string): Promise<CommandResult>;
  /** TERM, then KILL after this many seconds. */
  stop(id: string, seconds: number): Promise<CommandResult>;
  kill(id: string): Promise<CommandResult>;
  unpause(id: string): Promise<CommandResult>;
  /** Refused by the engine while the container runs. */
  remove(id: string): Promise<CommandResult>;
  /** What happens to containers and images, from `sinceMs` (epoch) on. */
  events(sinceMs: number, onEvent: (event: EngineEvent) => void): Following;
}

/** What `events` asks for: docker's words and podman's; each engine passes over the other's. */
export const eventFilter = {
  type: ["container", "image"],
  event: [
    "start",
    "die",
    "died",
    "destroy",
    "remove",
    "tag",
    "untag",
    "delete",
    "pull",
    "load",
    "loadfromarchive",
    "import",
    "build",
  ],
} as const;
