import type { PlannedFolder } from "@waybill/core";

/**
 * A container as a run wants it, in no engine's words. Whatever is not said here is refused to it:
 * both ways to ask an engine add the same walls.
 */
export interface ContainerRequest {
  readonly name: string;
  /** The image's id. */
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The first program, in place of the image's entry point, and its arguments. */
  readonly entrypoint: string;
  readonly args: readonly string[];
  /** `uid:gid`, or null for the image's own user. */
  readonly user: string | null;
  readonly cwd: string;
  /** Beside the image's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly PlannedFolder[];
  readonly network: string;
  readonly readOnlyRoot: boolean;
  /** Writable memory by path, with its mount options. */
  readonly tmpfs: Readonly<Record<string, string>>;
  /** Given back after all are dropped. */
  readonly capabilities: readonly string[];
  /** In bytes, without swap. */
  readonly memory: number;
  /** Null for no quota. */
  readonly cpus: number | null;
  /** Processes and threads together. */
  readonly pids: number;
  /** By name: soft and hard at once. */
  readonly ulimits: Readonly<Record<string, number>>;
  /** How long a stop by others waits. */
  readonly stopSeconds: number;
}
