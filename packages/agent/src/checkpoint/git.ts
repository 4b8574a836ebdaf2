import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** How to call git. */
export interface GitOptions {
  /** The work tree, with its repository at its root. */
  readonly workspace: string;
  /** An index of our own: the one that the model works with is never touched. */
  readonly index: string;
  /** Then it is killed, in milliseconds. */
  readonly timeoutMs: number;
}

/** Runs git and resolves with what it printed, without the last line break. */
export async function git(args: readonly string[], options: GitOptions): Promise<string> {
  const { workspace, index, timeoutMs } = options;
  // No hook runs, nobody is asked, no garbage is collected: only what is asked for.
  const quiet = [
    "core.hooksPath=/dev/null",
    "gc.auto=0",
    "commit.gpgSign=false",
    "core.quotePath=false",
  ];
  const { stdout } = await run("git", [...quiet.flatMap((each) => ["-c", each]), ...args], {
    cwd: workspace,
    timeout: timeoutMs,
    maxBuffer: 16 * 1024 * 1024,
    env: {
      ...process.env,
      GIT_DIR: `${workspace}/.git`,
      GIT_WORK_TREE: workspace,
      GIT_INDEX_FILE: index,
      GIT_TERMINAL_PROMPT: "0",
      GIT_AUTHOR_NAME: "Waybill",
      GIT_AUTHOR_EMAIL: "waybill@localhost",
      GIT_COMMITTER_NAME: "Waybill",
      GIT_COMMITTER_EMAIL: "waybill@localhost",
    },
  });
  return stdout.trimEnd();
}
