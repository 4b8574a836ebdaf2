import { createReadStream } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { z } from "zod";

/** What to archive, and where. */
export interface ArchiveOptions {
  /** The SDK's transcript. */
  readonly transcript: string;
  /** The folder of archives; made where it is missing. */
  readonly folder: string;
  readonly conversation: string;
  readonly at: Date;
}

/**
 * Writes a conversation as Markdown, for people to read, before the SDK replaces its beginning by a
 * summary. Resolves with the file, once it has its name.
 */
export async function archiveConversation(options: ArchiveOptions): Promise<string> {
  const { transcript, folder, conversation, at } = options;
  const parts = [
    `# Conversation ${conversation}`,
    `Archived ${at.toISOString()}, before its beginning was summarized.`,
  ];
  for await (const line of createInterface({ input: createReadStream(transcript) })) {
    parts.push(...partsOf(line));
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${conversation}.${at.toISOString().replaceAll(/[-:]/g, "")}.md`);
  await writeFile(`${file}.tmp`, `${parts.join("\n\n")}\n`);
  await rename(`${file}.tmp`, file);
  return file;
}

const block = z.union([
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("tool_use"), name: z.string(), input: z.unknown() }),
  z.object({ type: z.literal("tool_result"), content: z.unknown() }),
]);

const entry = z.object({
  type: z.enum(["user", "assistant"]),
  isMeta: z.boolean().optional(),
  timestamp: z.string().optional(),
  message: z.object({ content: z.union([z.string(), z.array(z.unknown())]) }),
});

/** How much of what a tool was given or gave is kept, in UTF-16 units. */
const TOOL_TEXT = 2_000;

function partsOf(line: string): readonly string[] {
  const read = entry.safeParse(parsed(line));
  if (!read.success || read.data.isMeta === true) return [];
  const { type, timestamp, message } = read.data;
  const blocks =
    typeof message.content === "string"
      ? [{ type: "text", text: message.content }]
      : message.content;
  const texts = blocks.flatMap((each) => textOf(each));
  if (texts.length === 0) return [];
  const when = timestamp === undefined ? "" : `, ${timestamp}`;
  const isTool = blocks.every((each) => block.safeParse(each).data?.type === "tool_result");
  const who = type === "assistant" ? "Agent" : isTool ? "Tool" : "Message";
  return [`## ${who}${when}`, ...texts];
}

function textOf(raw: unknown): readonly string[] {
  const read = block.safeParse(raw);
  if (!read.success) return [];
  switch (read.data.type) {
    case "text":
      return read.data.text.trim() === "" ? [] : [read.data.text.trim()];
    case "tool_use":
      return [`Uses \`${read.data.name}\`:`, fenced(JSON.stringify(read.data.input, null, 2))];
    case "tool_result":
      return [fenced(resultText(read.data.content))];
    default:
      return read.data satisfies never;
  }
}

function resultText(content: unknown): string {
  if (typeof content === "string") return content;
  const texts = z.array(z.object({ text: z.string() })).safeParse(content);
  return texts.success ? texts.data.map(({ text }) => text).join("\n") : JSON.stringify(content);
}

/** A block of text that no fence inside of it can end. */
function fenced(text: string): string {
  const kept =
    text.length > TOOL_TEXT
      ? `${text.slice(0, TOOL_TEXT)}\n… (${text.length - TOOL_TEXT} more characters)`
      : text;
  const longest = Math.max(2, ...[...kept.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${kept}\n${fence}`;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null; // a line that a killed run left unfinished
  }
}
