import { createReadStream } from "node:fs";
import { readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { z } from "zod";

/** What a conversation's transcript says. */
export interface Transcript {
  readonly file: string;
  /** Whether there is anything to go on with. */
  readonly resumable: boolean;
  /** The UUIDs of the user messages that the conversation has. */
  readonly messages: ReadonlySet<string>;
  /** The total that the SDK will count on from, in US dollars. */
  readonly costUsd: number;
  /** How long the file was, in bytes. */
  readonly bytes: number;
}

/** Finds a conversation's transcript below the SDK's folder and reads it; null where there is none. */
export async function findTranscript(
  claude: string,
  conversation: string,
): Promise<Transcript | null> {
  const file = await transcriptFile(claude, conversation);
  return file === null ? null : await readTranscript(file);
}

/** Where a conversation's transcript lies; null where there is none (yet). */
export async function transcriptFile(claude: string, conversation: string): Promise<string | null> {
  const projects = join(claude, "projects");
  // One folder per working directory; which one does not matter to the SDK when it resumes.
  for (const project of await namesIn(projects)) {
    if ((await namesIn(join(projects, project))).includes(`${conversation}.jsonl`)) {
      return join(projects, project, `${conversation}.jsonl`);
    }
  }
  return null;
}

/**
 * Moves a transcript out of the SDK's way. A run that was killed before its first message was
 * written leaves a file that the SDK can neither resume ("No conversation found") nor begin again
 * ("already in use").
 */
export async function setAside(transcript: Transcript): Promise<void> {
  await rename(transcript.file, `${transcript.file}.set-aside-${Date.now()}`);
}

const entry = z.union([
  z.object({ type: z.enum(["user", "assistant"]), uuid: z.string() }),
  z.object({
    type: z.literal("attachment"),
    attachment: z.object({ type: z.literal("queued_command"), source_uuid: z.string() }),
  }),
  z.object({ type: z.literal("cost-state"), totalCostUSD: z.number() }),
]);

/** Lines that can matter; the others hold whole requests and are not worth parsing. */
const RELEVANT = /"type":"(user|assistant|queued_command|cost-state)"/;

async function readTranscript(file: string): Promise<Transcript> {
  const messages = new Set<string>();
  let resumable = false;
  let costUsd = 0;
  const { size: bytes } = await stat(file);
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const read = RELEVANT.test(line) ? entry.safeParse(parsed(line)) : null;
    if (read?.success !== true) continue;
    if (read.data.type === "cost-state") {
      costUsd = read.data.totalCostUSD;
    } else if (read.data.type === "attachment") {
      // A message that joined a running turn stands as an attachment, by the name of its source.
      messages.add(read.data.attachment.source_uuid);
    } else {
      resumable = true;
      if (read.data.type === "user") messages.add(read.data.uuid);
    }
  }
  return { file, resumable, messages, costUsd, bytes };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (
      error instanceof Error &&
      "code" in error &&
      (error.code === "ENOENT" || error.code === "ENOTDIR")
    ) {
      return [];
    }
    throw error;
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null; // A line that a killed run left unfinished; the SDK goes on after it.
  }
}
