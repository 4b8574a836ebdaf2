import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { WaybillError } from "@waybill/core";
import { git, type GitOptions } from "./git.ts";

/** The workspace as it was when a turn ended. */
export interface Checkpoint {
  /** The transcript's place at the end of the turn: `transcriptId` of its `TurnEnded`. */
  readonly transcript: string;
  readonly at: Date;
}

/** What checkpoints are made of. */
export interface CheckpointOptions {
  readonly workspace: string;
  /** A folder for an index of our own. */
  readonly state: string;
  /** The longest that one call of git may take, in milliseconds. Default: 10,000. */
  readonly timeoutMs?: number;
}

/** Checkpoints of a workspace that is a git repository, kept in it under `refs/waybill/`. */
export interface Checkpoints {
  /** False where the workspace is no repository: then nothing is kept, and nothing can be gone back to. */
  readonly possible: () => boolean;
  /** Keeps the files as they are, but for those that git ignores. Branch and index stay untouched. */
  save(transcript: string): Promise<void>;
  /** All of them, the oldest first. */
  list(): Promise<readonly Checkpoint[]>;
  /**
   * Puts the files back as they were then, and resolves with the name under which those of now are
   * kept. The branch stays where it is. Throws `CHECKPOINT_NOT_FOUND`.
   */
  restore(transcript: string): Promise<string>;
}

/** The checkpoints of a workspace. */
export function checkpoints(options: CheckpointOptions): Checkpoints {
  const { workspace, state, timeoutMs = 10_000 } = options;
  const at: GitOptions = { workspace, index: join(state, "checkpoint-index"), timeoutMs };

  const keep = async (name: string): Promise<void> => {
    // Nobody else uses this index: a lock on it is what a git left that was killed.
    await rm(`${at.index}.lock`, { force: true });
    await git(["add", "--all", "--", "."], at);
    const tree = await git(["write-tree"], at);
    const head = await git(["rev-parse", "--verify", "--quiet", "HEAD"], at).catch(() => "");
    const parent = head === "" ? [] : ["-p", head];
    const commit = await git(["commit-tree", tree, ...parent, "-m", `Waybill ${Date.now()}`], at);
    await git(["update-ref", `refs/waybill/${name}`, commit], at);
  };

  const list = async (): Promise<readonly Checkpoint[]> => {
    // Git's own dates have seconds, and turns may be shorter.
    const format = "--format=%(subject) %(refname:lstrip=2)";
    const lines = await git(["for-each-ref", format, "refs/waybill"], at);
    return lines
      .split("\n")
      .map((line) => /^Waybill (\d+) (\S+)$/.exec(line))
      .filter((found) => found !== null)
      .map(([, ms, transcript = ""]) => ({ transcript, at: new Date(Number(ms)) }))
      .toSorted((one, other) => one.at.getTime() - other.at.getTime());
  };

  return {
    possible: () => existsSync(join(workspace, ".git")),
    save: keep,
    list,
    async restore(transcript) {
      const known = await list();
      if (!known.some((each) => each.transcript === transcript)) throw notFound(transcript, known);
      const before = `before-${new Date().toISOString().replaceAll(/[-:.]/g, "")}`;
      await keep(before);
      // The index has what is there now, so that files which were not there then go away.
      await git(["read-tree", "--reset", "-u", `refs/waybill/${transcript}`], at);
      return before;
    },
  };
}

function notFound(transcript: string, known: readonly Checkpoint[]): WaybillError {
  const newest = known.slice(-5).map((each) => each.transcript);
  return new WaybillError(
    "CHECKPOINT_NOT_FOUND",
    `There is no checkpoint ${JSON.stringify(transcript)}. The newest are: ${newest.join(", ") || "none"}.`,
    { details: { transcript } },
  );
}
