import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Where the SDK keeps a conversation; null as long as there is none. */
export function transcriptFile(home: string, conversation: string): string | null {
  const projects = join(home, "state", "claude", "projects");
  if (!existsSync(projects)) return null;
  const files = readdirSync(projects).map((name) => join(projects, name, `${conversation}.jsonl`));
  return files.find((file) => existsSync(file)) ?? null;
}

/** The messages that wait in the SDK's queue or have been there. */
export function queuedIn(home: string, conversation: string): string {
  const file = transcriptFile(home, conversation);
  const lines = file === null ? [] : readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line.includes('"operation":"enqueue"')).join();
}
