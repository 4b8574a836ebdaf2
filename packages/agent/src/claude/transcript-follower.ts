import { open } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { transcriptFile } from "./transcript.ts";

/** Knows what a conversation's transcript has on disk while the SDK's program writes it. */
export interface TranscriptFollower {
  /**
   * Resolves with true once every one of these entries is on disk, or with false after `withinMs`.
   * The program writes about 100 ms late (measured), and what it has not written, a kill takes.
   */
  holds(uuids: readonly string[], withinMs: number): Promise<boolean>;
}

const POLL_MS = 10;

/** The UUIDs that an entry goes by: its own, and that of the message that it stands for. */
const NAMES = /"(?:uuid|source_uuid)":"([0-9a-f-]{36})"/g;

/** What to follow. */
export interface FollowTranscriptOptions {
  /** The SDK's folder. */
  readonly claude: string;
  readonly conversation: string;
  /** Where to begin, in bytes: what lies before is not looked at. */
  readonly from: number;
}

/** Follows the transcript that the SDK's program writes; reads nothing twice. */
export function followTranscript(options: FollowTranscriptOptions): TranscriptFollower {
  const seen = new Set<string>();
  let file: string | null = null;
  let offset = options.from;
  let rest = "";

  const readOn = async (): Promise<void> => {
    file ??= await transcriptFile(options.claude, options.conversation);
    if (file === null) return;
    await using handle = await open(file, "r");
    const { size } = await handle.stat();
    if (size <= offset) return;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - offset), 0, null, offset);
    offset += bytesRead;
    // Byte by byte as Latin-1: what is looked for is ASCII, and no character is cut in two.
    const lines = (rest + buffer.toString("latin1", 0, bytesRead)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) for (const [, uuid = ""] of line.matchAll(NAMES)) seen.add(uuid);
  };

  return {
    async holds(uuids, withinMs) {
      const until = Date.now() + withinMs;
      for (;;) {
        if (uuids.every((uuid) => seen.has(uuid))) return true;
        await readOn();
        if (uuids.every((uuid) => seen.has(uuid))) return true;
        if (Date.now() > until) return false;
        await pause(POLL_MS);
      }
    },
  };
}
