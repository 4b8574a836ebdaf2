import { WaybillError } from "@waybill/core";
import { checkpoints } from "./checkpoints.ts";

/** What the command line needs. */
export interface CheckpointCommandOptions {
  readonly workspace: string;
  readonly state: string;
  readonly print: (line: string) => void;
}

/**
 * `waybill-agent checkpoints` lists, `waybill-agent restore ID` goes back. To be run where the agent
 * runs, in its container: a repository's own configuration can start programs, and the workspace is
 * the agent's. Throws `COMMAND_UNKNOWN`, `CHECKPOINT_NOT_FOUND` or `NO_REPOSITORY`.
 */
export async function checkpointCommand(
  [command, id, ...rest]: readonly string[],
  { workspace, state, print }: CheckpointCommandOptions,
): Promise<void> {
  const kept = checkpoints({ workspace, state, timeoutMs: 600_000 });
  const lists = command === "checkpoints" && id === undefined;
  const restores = command === "restore" && id !== undefined && rest.length === 0;
  if (!lists && !restores) {
    throw new WaybillError(
      "COMMAND_UNKNOWN",
      `"${[command, id, ...rest].filter(Boolean).join(" ")}" is no command. Use "checkpoints", or "restore ID" with the transcriptId of a TurnEnded.`,
    );
  }
  if (!kept.possible()) {
    throw new WaybillError(
      "NO_REPOSITORY",
      `The workspace ${workspace} is no git repository, so no files were kept. Only the conversation can be gone back to, by a fork.`,
    );
  }
  if (lists) {
    for (const { transcript, at } of await kept.list()) print(`${at.toISOString()} ${transcript}`);
  } else {
    print(`The files of before are kept as ${await kept.restore(id ?? "")}.`);
  }
}
