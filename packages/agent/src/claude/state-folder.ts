import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { WaybillError } from "@waybill/core";

/** Where a session's own state lies; it outlives runs. */
export interface StateFolder {
  /** For CLAUDE_CONFIG_DIR: the SDK's transcripts. */
  readonly claude: string;
  /** What the conversation has cost so far. */
  readonly costs: string;
  /** Conversations as Markdown, from before their beginnings were summarized. */
  readonly archives: string;
}

/**
 * Makes the folders and proves that they can be written. The SDK does not: where it cannot write, a
 * session succeeds in silence, and the next run finds no conversation. Throws `STATE_UNWRITABLE`.
 */
export async function openStateFolder(path: string): Promise<StateFolder> {
  const folder = {
    claude: join(path, "claude"),
    costs: join(path, "costs"),
    archives: join(path, "archives"),
  };
  try {
    await Promise.all(Object.values(folder).map(provenFolder));
  } catch (cause) {
    throw new WaybillError(
      "STATE_UNWRITABLE",
      `The state folder ${path} cannot be written: ${String(cause)}. Without it the conversation would be lost after this run; mount a folder that uid ${process.getuid?.() ?? "of the agent"} may write.`,
      { details: { path }, cause },
    );
  }
  return folder;
}

async function provenFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const file = join(path, `.probe-${process.pid}`);
  await writeFile(file, "probe");
  const back = await readFile(file, "utf8");
  await rm(file);
  if (back !== "probe") throw new Error(`${file} reads back as something else`);
}
