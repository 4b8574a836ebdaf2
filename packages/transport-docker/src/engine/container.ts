import { z } from "zod";

/** What the engine knows of a container. */
export interface Container {
  readonly id: string;
  readonly name: string;
  /** `created` was never started, `ended` will not run again by itself. */
  readonly status: "created" | "running" | "paused" | "ended" | "removing";
  /** The first process's exit code; meaningful once it has ended. */
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** The engine's own words where it could not start it; else empty. */
  readonly error: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The host's files and folders that it may write. */
  readonly writable: readonly string[];
}

/** Reads the output of `container inspect`: a JSON array, of docker or of podman, or nothing. */
export function parseContainers(text: string): readonly Container[] {
  if (text.trim() === "") return [];
  return inspected.parse(JSON.parse(text)).map((one) => ({
    id: one.Id,
    name: one.Name.replace(/^\//u, ""),
    status: statuses[one.State.Status] ?? (one.State.Running ? "running" : "ended"),
    exitCode: one.State.ExitCode,
    oomKilled: one.State.OOMKilled,
    error: one.State.Error,
    labels: one.Config.Labels ?? {},
    // An engine tells mounts in any order.
    writable: (one.Mounts ?? [])
      .filter(({ RW }) => RW)
      .map(({ Source }) => Source)
      .toSorted(),
  }));
}

const inspected = z.array(
  z.object({
    Id: z.string(),
    Name: z.string(),
    State: z.object({
      Status: z.string(),
      Running: z.boolean(),
      ExitCode: z.number(),
      OOMKilled: z.boolean(),
      Error: z.string().default(""),
    }),
    Mounts: z.array(z.object({ Source: z.string().default(""), RW: z.boolean() })).nullish(),
    Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
  }),
);

// Docker's words, then those that only podman has.
const statuses: Readonly<Record<string, Container["status"]>> = {
  created: "created",
  running: "running",
  restarting: "running",
  paused: "paused",
  removing: "removing",
  exited: "ended",
  dead: "ended",
  configured: "created",
  initialized: "created",
  stopping: "running",
  stopped: "ended",
};
