import type { AgentSlug, MessageId, RunId, SessionId } from "../ids.ts";
import type { JsonObject } from "../json.ts";

/** What the host says of a run before it exists. The mailbox turns it into a `RunPlan`. */
export interface RunSpec {
  /** The store's id: marks everything that belongs to this log. */
  readonly owner: string;
  readonly sessionId: SessionId;
  readonly runId: RunId;
  /** The epoch of the orchestrator that asked for the run. */
  readonly epoch: number;
  readonly protocol: 0 | 1;
  readonly agent: { readonly slug: AgentSlug; readonly name: string };
  readonly conversation: Conversation;
  /** Messages that earlier runs took and did not finish: the agent says which its transcript holds. */
  readonly unsettled: readonly MessageId[];
  /** Protocol 0 alone: the text on stdin that the first turn answers. */
  readonly prompt: string | null;
  /** The agent's own configuration, handed on as it is: model, tools, permissions. */
  readonly config: JsonObject;
  /** Whether the run has a user of its own (a container) or the host's (a child process). */
  readonly runsAs: "host" | "dedicated";
  /** How long it may live without an orchestrator that holds its session. Default: for ever. */
  readonly lease?: RunLease;
}

/** The terms under which a run ends itself when nobody renews its lease. */
export interface RunLease {
  /** From one renewal to the end, in milliseconds. */
  readonly ms: number;
  /** From TERM to KILL, in milliseconds. */
  readonly graceMs: number;
}

/** The conversation that a run takes part in; the host chooses its id (a UUID). */
export interface Conversation {
  readonly id: string;
  /** True where an earlier run began it, so that the agent must look for its transcript. */
  readonly resume: boolean;
  /** Where it begins as a fork: the conversation to copy, up to this place, and whose it is. */
  readonly fork?: {
    readonly sessionId: SessionId;
    readonly conversation: string;
    readonly transcriptId: string;
  };
}

/** What identifies a run to a transport, before, during and after its life. */
export interface RunHandle {
  readonly owner: string;
  readonly sessionId: SessionId;
  readonly runId: RunId;
  readonly epoch: number;
  /** A folder that only the host may enter, for the transport's own records of this run. */
  readonly control: string;
  /**
   * A folder that the run may write, for the exclusive marker `started`: whoever creates it first,
   * the run's own start line or the transport's `stop`, decides whether this run id ever runs.
   */
  readonly launch: PlannedPath;
}

/** A file or folder of the host, and where the run sees it. */
export interface PlannedPath {
  /** Absolute, on the host. */
  readonly host: string;
  /** Absolute, inside the run; a transport without a wall (a child process) ignores it. */
  readonly at: string;
}

/** A folder of the plan. */
export interface PlannedFolder extends PlannedPath {
  readonly write: boolean;
}

/** A value of the run's environment: a text, or a path inside a planned folder as the run sees it. */
export type PlannedValue = string | { readonly folder: string; readonly file?: string };

/**
 * The seam between mailbox and transport: made once per run by the mailbox, idempotently, and
 * carried out by any transport. The mailbox owns folders, modes and users; the transport owns the
 * process. Everything that it names exists before `Transport.start` is called.
 */
export interface RunPlan extends RunHandle {
  readonly protocol: 0 | 1;
  /** The user that the run gets; null where the platform has none. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /** Where `PlannedValue.folder` names a folder, it is the `at` of one of these. */
  readonly folders: readonly PlannedFolder[];
  readonly env: Readonly<Record<string, PlannedValue>>;
  /** The `at` of the folder that the process starts in. */
  readonly cwd: string;
  /** The whole of standard input; the run reads it to the end. */
  readonly stdin: PlannedPath;
  /** Append-only; created beforehand. */
  readonly stdout: PlannedPath;
  /** Append-only; created beforehand. */
  readonly stderr: PlannedPath;
  /**
   * The lease under which the run lives, and the file that holds it: one line, the instant at which
   * it ends, in milliseconds of the wall clock. The transport sees to it that no program begins
   * after that instant, and that one that runs ends then, with or without an orchestrator. Default:
   * none, the run lives on.
   */
  readonly lease?: RunLease & { readonly file: PlannedPath };
}

/** The environment with every path as the run sees it: `"at"` behind a wall, `"host"` without one. */
export function planEnvironment(plan: RunPlan, view: "at" | "host"): Record<string, string> {
  const entries = Object.entries(plan.env).map(([name, value]): [string, string] => [
    name,
    typeof value === "string" ? value : planPath(plan, value, view),
  ]);
  return Object.fromEntries(entries);
}

/** A path inside a planned folder as the run sees it. Throws a `TypeError` for an unknown folder. */
export function planPath(
  plan: RunPlan,
  value: { readonly folder: string; readonly file?: string },
  view: "at" | "host",
): string {
  const folder = plan.folders.find((candidate) => candidate.at === value.folder);
  if (folder === undefined) {
    throw new TypeError(`The run plan of ${plan.runId} has no folder at ${value.folder}.`);
  }
  return value.file === undefined ? folder[view] : `${folder[view]}/${value.file}`;
}
