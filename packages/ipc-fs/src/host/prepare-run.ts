import { join } from "node:path";

import { WaybillError } from "@waybill/core";
import type { PlannedFolder, PlannedValue, RunPlan, RunSpec } from "@waybill/core";
import fse from "fs-extra";

import { oldStart } from "../protocol/old-start-schema.ts";
import { startWord } from "../protocol/start-schema.ts";
import { copyTree } from "./copy-tree.ts";
import { makeFolder, makeLogFile, makeRoot } from "./make-place.ts";
import { makeLease } from "./run-lease.ts";
import { OLD_FOLDERS, prepareOldWorkspace } from "./old-workspace.ts";
import { runPaths } from "./run-paths.ts";
import type { RunPaths } from "./run-paths.ts";
import { writeRunRecord } from "./run-record.ts";
import { hostUser } from "./run-user.ts";
import type { RunUser } from "./run-user.ts";
import { sessionUser } from "./session-user.ts";
import type { UidRange } from "./session-user.ts";
import { writeOnce } from "./write-once.ts";

/** How to prepare runs. */
export interface PrepareOptions {
  readonly root: string;
  readonly uids: UidRange;
  /** Protocol 0 alone: what an old agent finds as `secrets` on its standard input. */
  readonly secrets: (run: RunSpec) => Promise<Readonly<Record<string, string>>>;
}

/**
 * Makes a run's folders and files, each with its mode and owner whatever the umask, and the plan
 * that names them. Every step keeps what is there, so that a second call after a crash, or while
 * the run lives, ends in the same state. Throws `RUN_REMOVED` for a run that was removed
 * and `SESSION_ERASED` for one of a session that was erased.
 */
export async function prepareRun(run: RunSpec, options: PrepareOptions): Promise<RunPlan> {
  const paths = runPaths(options.root, run);
  if (await fse.pathExists(paths.removed)) {
    throw new WaybillError(
      "RUN_REMOVED",
      `Run ${run.runId} of session ${run.sessionId} was removed and cannot be prepared again. Ask for a new run.`,
      { details: { sessionId: run.sessionId, runId: run.runId } },
    );
  }
  if (await fse.pathExists(paths.erased)) {
    throw new WaybillError(
      "SESSION_ERASED",
      `Session ${run.sessionId} was erased: no run of it can be prepared. Open another session.`,
      { details: { sessionId: run.sessionId, runId: run.runId } },
    );
  }
  // Read before anything is made, so that a failing source of secrets leaves nothing behind.
  const secrets =
    run.protocol === 0 && !(await fse.pathExists(paths.start)) ? await options.secrets(run) : {};
  makeClosedFolders(options.root, paths);
  const user = sessionUser({
    root: options.root,
    record: paths.owner,
    session: paths.session,
    runsAs: run.runsAs,
    uids: options.uids,
  });
  const { fork } = run.conversation;
  if (fork !== undefined) {
    const parent = runPaths(options.root, { ...run, sessionId: fork.sessionId });
    copyTree(parent.state, paths.state, user);
  }
  makeLeaves(paths, run, user);
  const start = run.protocol === 1 ? startWord(run) : oldStart(run, secrets);
  writeOnce(paths.start, `${JSON.stringify(start)}\n`, 0o644);
  if (run.lease !== undefined) makeLease(paths);
  writeRunRecord(paths, run);
  return planOf(run, paths, user);
}

/** Folders that only the host may enter: whatever lies in them is out of every other user's reach. */
function makeClosedFolders(root: string, paths: RunPaths): void {
  makeRoot(root);
  const closed = [
    join(root, "sessions"),
    paths.session,
    join(paths.session, "runs"),
    paths.run,
    paths.control,
    paths.deadLetters,
  ];
  for (const path of closed) {
    makeFolder(path, 0o700, hostUser());
  }
}

function makeLeaves(paths: RunPaths, run: RunSpec, user: RunUser | null): void {
  for (const path of [paths.workspace, paths.state, paths.launch]) {
    makeFolder(path, 0o700, user);
  }
  makeFolder(paths.in, 0o755, hostUser());
  makeLogFile(paths.stdout, user);
  makeLogFile(paths.stderr, user);
  if (run.protocol === 1) {
    makeFolder(paths.inbox, 0o755, hostUser());
    makeFolder(paths.outbox, 0o700, user);
    return;
  }
  for (const name of OLD_FOLDERS) {
    makeFolder(paths[name], 0o700, user);
  }
  makeFolder(paths.spool, 0o700, hostUser());
  makeFolder(paths.puts, 0o700, hostUser());
  prepareOldWorkspace(paths, user, run.runsAs);
}

/** The folders that outlive a run. */
export function recordFolders(paths: RunPaths): Pick<RunPlan, "control" | "launch"> {
  return { control: paths.control, launch: { host: paths.launch, at: "/waybill/launch" } };
}

function planOf(run: RunSpec, paths: RunPaths, user: RunUser | null): RunPlan {
  return {
    owner: run.owner,
    sessionId: run.sessionId,
    runId: run.runId,
    epoch: run.epoch,
    ...recordFolders(paths),
    protocol: run.protocol,
    user,
    folders: run.protocol === 1 ? folders(paths) : oldFolders(paths),
    env: run.protocol === 1 ? ENVIRONMENT : {},
    cwd: "/workspace",
    stdin: { host: paths.start, at: "/waybill/in/start.json" },
    stdout: { host: paths.stdout, at: "/waybill/log/stdout.log" },
    stderr: { host: paths.stderr, at: "/waybill/log/stderr.log" },
    ...(run.lease === undefined
      ? {}
      : { lease: { ...run.lease, file: { host: paths.lease, at: "/waybill/in/lease" } } }),
  };
}

const ENVIRONMENT: Readonly<Record<string, PlannedValue>> = {
  WAYBILL_PROTOCOL: "1",
  WAYBILL_WORKSPACE: { folder: "/workspace" },
  WAYBILL_STATE: { folder: "/waybill/state" },
  WAYBILL_INBOX: { folder: "/waybill/inbox" },
  WAYBILL_OUTBOX: { folder: "/waybill/outbox" },
};

function folders(paths: RunPaths): readonly PlannedFolder[] {
  return [
    { host: paths.workspace, at: "/workspace", write: true },
    { host: paths.state, at: "/waybill/state", write: true },
    { host: paths.inbox, at: "/waybill/inbox", write: false },
    { host: paths.outbox, at: "/waybill/outbox", write: true },
  ];
}

/** Old agents remove what they read, so all of these are writable. */
function oldFolders(paths: RunPaths): readonly PlannedFolder[] {
  return [
    { host: paths.workspace, at: "/workspace", write: true },
    ...OLD_FOLDERS.map((name) => ({
      host: paths[name],
      at: `/workspace/ipc/${name}`,
      write: true,
    })),
  ];
}
