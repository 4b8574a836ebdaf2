import { createHash } from "node:crypto";
import { join } from "node:path";

import { WaybillError } from "@waybill/core";
import type { RunId, SessionId } from "@waybill/core";

/** Where everything of a run lies on the host. All absolute. */
export interface RunPaths {
  /** The session's folder: only the host may enter. */
  readonly session: string;
  readonly workspace: string;
  readonly state: string;
  /** There once the session was erased. */
  readonly erased: string;
  /** The user that the session's runs get. */
  readonly owner: string;
  /** The run's folder: only the host may enter. */
  readonly run: string;
  /** What the host has to remember of the run. */
  readonly record: string;
  /** There once the run was removed. */
  readonly removed: string;
  /** For the transport's own records. */
  readonly control: string;
  readonly launch: string;
  readonly in: string;
  readonly start: string;
  /** The instant at which the run's lease ends. */
  readonly lease: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly deadLetters: string;
  /** Protocol 1. */
  readonly inbox: string;
  readonly outbox: string;
  /** Protocol 0: what the agent sees as `ipc/input`, `ipc/messages` and `ipc/tasks`. */
  readonly input: string;
  readonly messages: string;
  readonly tasks: string;
  /** Protocol 0: what was taken out of `messages` and `tasks` and is not recorded yet. */
  readonly spool: string;
  /** Protocol 0: which letters were put, since the agent removes what it reads. */
  readonly puts: string;
}

/** The paths of a run under the mailbox's root. Throws `INVALID_ID` for ids that no folder can have. */
export function runPaths(
  root: string,
  ids: { readonly sessionId: SessionId; readonly runId: RunId },
): RunPaths {
  const session = sessionPath(root, ids.sessionId);
  const run = join(session, "runs", checked(ids.runId, /^[a-z0-9-]{1,40}$/, "run"));
  return {
    session,
    workspace: join(session, "workspace"),
    state: join(session, "state"),
    erased: join(session, ERASED),
    owner: join(session, "owner.json"),
    run,
    record: join(run, "run.json"),
    removed: join(run, "removed"),
    control: join(run, "control"),
    launch: join(run, "launch"),
    in: join(run, "in"),
    start: join(run, "in", "start.json"),
    lease: join(run, "in", "lease"),
    stdout: join(run, "stdout.log"),
    stderr: join(run, "stderr.log"),
    deadLetters: join(run, "dead-letters"),
    inbox: join(run, "inbox"),
    outbox: join(run, "outbox"),
    input: join(run, "input"),
    messages: join(run, "messages"),
    tasks: join(run, "tasks"),
    spool: join(run, "spool"),
    puts: join(run, "puts"),
  };
}

/** The session's folder under the mailbox's root. Throws `INVALID_ID`. */
export function sessionPath(root: string, session: SessionId): string {
  return join(root, "sessions", sessionFolder(session));
}

/** The file in a session's folder that says that the session was erased. */
export const ERASED = "erased";

/**
 * The folder's name is the id itself where that is safe everywhere. Ids that differ only in case,
 * or that Windows reads as devices, get a suffix that no id can have.
 */
function sessionFolder(id: SessionId): string {
  checked(id, /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "session");
  const isPlain =
    /^[a-z0-9._-]*[a-z0-9_-]$/.test(id) && !/^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/.test(id);
  return isPlain ? id : `${id}~${createHash("sha256").update(id).digest("hex").slice(0, 12)}`;
}

function checked(id: string, pattern: RegExp, what: string): string {
  if (!pattern.test(id)) {
    throw new WaybillError(
      "INVALID_ID",
      `${JSON.stringify(id)} cannot be the id of a ${what}: it must match ${pattern.source}.`,
      { details: { id, what } },
    );
  }
  return id;
}
