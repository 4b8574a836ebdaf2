import { availableParallelism } from "node:os";
import type { Logger } from "@waybill/core";
import { safeLogger } from "./safe-logger.ts";

/** A file or folder of the host that every run of this transport gets beside its plan. */
export interface ExtraMount {
  /** Absolute, on the host. Links are resolved; where they lead to a guarded place it is refused. */
  readonly host: string;
  /** Absolute, inside the run. */
  readonly at: string;
  /** Default: false. */
  readonly write?: boolean;
}

/** How `dockerTransport` runs an agent. Each limit holds unless it is loosened here by its name. */
export interface DockerTransportOptions {
  /** The image's name, id or digest; `name@sha256:…` runs exactly that image or none. */
  readonly image: string;
  /** Whether a start pulls an image that is missing. Default: `never`. */
  readonly pull?: "never" | "missing";
  /** The command that builds or pulls the image, for the message where it is missing. */
  readonly build?: string;
  /** The program and its arguments. Default: the image's own ENTRYPOINT and CMD. */
  readonly command?: readonly string[];
  /** `docker`, `podman`, or the path of a program that understands the same. Default: `docker`. */
  readonly engine?: string;
  /** The engine's address, as in DOCKER_HOST. Default: what the environment and its context say. */
  readonly host?: string;
  /** The network's name. Default: `none`. `host` takes the wall away on the network's side. */
  readonly network?: string;
  /** Memory without swap, for example `512m`. Default: `512m`. */
  readonly memory?: string;
  /** Processors, for example 1.5. Default: no quota. */
  readonly cpus?: number;
  /** Processes and threads together. Default: 128. */
  readonly pids?: number;
  /** The largest file that the run may write, in bytes. Default: 1 GiB. */
  readonly fileSizeBytes?: number;
  /**
   * What all that a run may write may hold on the disk, in bytes: workspace, state, outbox, streams.
   * A run that has more is killed, and its exit says so. Measured every 5 s while the run is watched,
   * so it is no wall for a single burst. Default: no limit but the disk's.
   */
  readonly diskBytes?: number;
  /** Open files of each process. Default: 16,384. */
  readonly openFiles?: number;
  /** Writable memory by path, with its mount options. Default: `/tmp`, 64 MB. */
  readonly tmpfs?: Readonly<Record<string, string>>;
  /** Whether the image's own file system is read-only. Default: true. */
  readonly readOnlyRoot?: boolean;
  /** The user of every run, in place of the plan's; the plan's folders must suit it. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Allows root inside the container of a rootful engine, who is root on the host. Default: false. */
  readonly allowRoot?: boolean;
  /** Capabilities to give back after all were taken, for example `NET_BIND_SERVICE`. Default: none. */
  readonly capabilities?: readonly string[];
  /** More mounts: this list is the only way to get one. Default: none. */
  readonly mounts?: readonly ExtraMount[];
  /** The first part of every container's name. Default: `waybill`. */
  readonly namePrefix?: string;
  /** How long the engine waits after TERM where someone else stops the container. Default: 10,000 ms. */
  readonly stopGraceMs?: number;
  /** How many starts the engine gets at once. Default: the number of processors. */
  readonly startConcurrency?: number;
  /** Where diagnostics go. Default: nowhere. */
  readonly logger?: Logger;
}

/** The options with every default filled in. */
export interface Settings {
  readonly image: string;
  readonly pull: "never" | "missing";
  readonly build: string;
  readonly command: readonly string[] | null;
  readonly network: string;
  /** In bytes. */
  readonly memory: number;
  readonly cpus: number | null;
  readonly pids: number;
  readonly fileSizeBytes: number;
  readonly diskBytes: number | null;
  readonly openFiles: number;
  readonly tmpfs: Readonly<Record<string, string>>;
  readonly readOnlyRoot: boolean;
  readonly user: { readonly uid: number; readonly gid: number } | null;
  readonly allowRoot: boolean;
  readonly capabilities: readonly string[];
  readonly mounts: readonly ExtraMount[];
  readonly namePrefix: string;
  readonly stopGraceMs: number;
  readonly startConcurrency: number;
  readonly logger: Logger;
}

/** Fills in the defaults. Throws a `TypeError` for a value that can never work. */
export function settingsOf(options: DockerTransportOptions): Settings {
  const settings: Settings = {
    image: options.image,
    pull: options.pull ?? "never",
    build: options.build ?? `${options.engine ?? "docker"} build -t ${options.image} <its folder>`,
    command: options.command ?? null,
    network: options.network ?? "none",
    memory: memoryBytes(options.memory ?? "512m"),
    cpus: options.cpus ?? null,
    pids: options.pids ?? 128,
    fileSizeBytes: options.fileSizeBytes ?? 1024 ** 3,
    diskBytes: options.diskBytes ?? null,
    openFiles: options.openFiles ?? 16_384,
    tmpfs: options.tmpfs ?? { "/tmp": "rw,nosuid,nodev,size=64m" },
    readOnlyRoot: options.readOnlyRoot ?? true,
    user: options.user ?? null,
    allowRoot: options.allowRoot ?? false,
    capabilities: options.capabilities ?? [],
    mounts: options.mounts ?? [],
    namePrefix: options.namePrefix ?? "waybill",
    stopGraceMs: options.stopGraceMs ?? 10_000,
    startConcurrency: options.startConcurrency ?? availableParallelism(),
    logger: safeLogger(options.logger),
  };
  if (settings.image === "" || settings.image.startsWith("-")) {
    throw new TypeError(`The image "${settings.image}" is no image name.`);
  }
  if (settings.command?.length === 0) throw new TypeError("The command is empty.");
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/u.test(settings.namePrefix)) {
    throw new TypeError(
      `The name prefix "${settings.namePrefix}" cannot begin a container's name.`,
    );
  }
  if (!(settings.startConcurrency >= 1)) {
    throw new TypeError(`startConcurrency is ${settings.startConcurrency}; it must be at least 1.`);
  }
  return settings;
}

/** The bytes of an amount such as `512m`, `1.5g` or `536870912`. Throws a `TypeError`. */
function memoryBytes(amount: string): number {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([bkmgt]?)$/iu.exec(amount) ?? [];
  if (number === undefined) {
    throw new TypeError(
      `memory is "${amount}"; it must be a number with b, k, m, g or t after it.`,
    );
  }
  return Math.round(Number(number) * 1024 ** "bkmgt".indexOf(unit.toLowerCase() || "b"));
}
