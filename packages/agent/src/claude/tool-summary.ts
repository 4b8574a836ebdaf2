import { TRACKER_SERVER } from "./tracker-server.ts";

/** A tool's name as people know it: without the prefix of our own server. */
export function toolName(name: string): string {
  const prefix = `mcp__${TRACKER_SERVER}__`;
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

/** The fields that tell most about a call, best first. */
const TELLING = [
  "description",
  "command",
  "file_path",
  "path",
  "pattern",
  "url",
  "query",
  "task",
  "chat",
];

const LENGTH = 100;

/** One short line on what a tool was called with. */
export function toolSummary(input: unknown): string {
  if (typeof input !== "object" || input === null) return "";
  const fields = new Map<string, unknown>(Object.entries(input));
  for (const name of TELLING) {
    const value = fields.get(name);
    if (typeof value === "string" && value !== "") return oneLine(value);
  }
  return "";
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > LENGTH ? `${line.slice(0, LENGTH - 2)} …` : line;
}
