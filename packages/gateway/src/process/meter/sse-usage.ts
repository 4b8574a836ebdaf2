import { isRecord } from "../shapes.ts";

const NEWLINE = 0x0a;
/** Without its first quote it is found ten times as fast: quotes are everywhere, this letter is not. */
const NEEDLE = Buffer.from('usage"');
/** An event with a usage is small; of a line that is longer, nothing is read. */
const LINE_BYTES = 262_144;

/** Takes in a stream of server-sent events as it passes. */
export type StreamReader = (chunk: Buffer) => void;

/**
 * Reads what the Messages API's stream says of its cost: `message_start` what went in, and
 * `message_delta` all of it, at the end. Looks only at lines with the word in it: inside a text of
 * the model a quote would be escaped, so that hardly anything else is looked at.
 */
export function readSseUsage(say: (usage: unknown, isFinal: boolean) => void): StreamReader {
  let rest: Buffer[] = [];
  let restBytes = 0;

  const keep = (part: Buffer): void => {
    if (part.length === 0) return;
    restBytes += part.length;
    if (restBytes > LINE_BYTES) rest = [];
    else rest.push(part);
  };
  const endLine = (part: Buffer): void => {
    keep(part);
    const line = Buffer.concat(rest);
    if (line.includes(NEEDLE)) readLine(line, say);
    rest = [];
    restBytes = 0;
  };

  return (chunk) => {
    let start = 0;
    if (restBytes > 0) {
      const first = chunk.indexOf(NEWLINE);
      if (first === -1) return keep(chunk);
      endLine(chunk.subarray(0, first));
      start = first + 1;
    }
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end > start) readLines(chunk.subarray(start, end), say);
    keep(chunk.subarray(Math.max(start, end)));
  };
}

function readLines(block: Buffer, say: (usage: unknown, isFinal: boolean) => void): void {
  let at = block.indexOf(NEEDLE);
  while (at !== -1) {
    const start = block.lastIndexOf(NEWLINE, at) + 1;
    const end = block.indexOf(NEWLINE, at);
    readLine(block.subarray(start, end), say);
    at = block.indexOf(NEEDLE, end);
  }
}

function readLine(line: Buffer, say: (usage: unknown, isFinal: boolean) => void): void {
  const text = line.toString("utf8");
  if (!text.startsWith("data:")) return;
  const event = parse(text.slice(5));
  if (isRecord(event["message"])) say(event["message"]["usage"], false);
  else if (isRecord(event["usage"])) say(event["usage"], true);
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {}; // Not the API's: what it costs is guessed from its length.
  }
}
