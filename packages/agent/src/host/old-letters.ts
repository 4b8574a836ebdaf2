import { watch } from "node:fs";
import { mkdir, readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { WaybillError } from "@waybill/core";
import type { HostLetter } from "./agent-host.ts";

/** Where an old host's letters come from. */
export interface OldLettersOptions {
  /** The folder `ipc/input` of the workspace. */
  readonly folder: string;
  /** The first message, from standard input. */
  readonly prompt: string;
  /** How often to look where the watch says nothing, in milliseconds. Default: 250. */
  readonly pollMs?: number;
}

/** The letters of a protocol-0 host. */
export interface OldLetters {
  /** The prompt, then the files by name; ends after `_close`. To be called once. */
  take(): AsyncIterable<HostLetter>;
  /** Removes the message's file: its turn has ended, and a later run need not see it. */
  settled(message: string): Promise<void>;
  /** Ends the watching, and `take` with it. */
  close(): void;
}

const PROMPT = "prompt";
const CLOSE = "_close";

/** Reads the folder by polling, with a watch as a hint to look at once. */
export function oldLetters(options: OldLettersOptions): OldLetters {
  const { folder, prompt, pollMs = 250 } = options;
  const taken = new Set<string>();
  const ended = new AbortController();
  return {
    async *take() {
      yield { type: "message", id: PROMPT, text: prompt, from: null };
      await ensureFolder(folder);
      const bell = doorbell(folder, pollMs, ended.signal);
      while (!ended.signal.aborted) {
        const names = (await readdir(folder)).toSorted();
        for (const name of names.filter((found) => found.endsWith(".json") && !taken.has(found))) {
          taken.add(name);
          const text = textOf(await readFile(join(folder, name), "utf8"));
          if (text !== null) yield { type: "message", id: name, text, from: null };
        }
        if (names.includes(CLOSE)) {
          await rm(join(folder, CLOSE), { force: true });
          yield { type: "close" };
          return;
        }
        await bell();
      }
    },
    async settled(message) {
      if (message !== PROMPT) await rm(join(folder, message), { force: true });
    },
    close: () => ended.abort(),
  };
}

async function ensureFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new WaybillError(
      "WORKSPACE_UNWRITABLE",
      `The folder ${folder} cannot be made: ${String(cause)}. Give the workspace to uid ${process.getuid?.() ?? "of the agent"}.`,
      { details: { folder }, cause },
    );
  }
}

/** A function that resolves when there may be something new: a change, the poll, or the end. */
function doorbell(folder: string, pollMs: number, signal: AbortSignal): () => Promise<void> {
  let ring = (): void => undefined;
  try {
    const watcher = watch(folder, { signal }, () => ring());
    // Watching is a hint; where it fails (no inotify instances left), the poll goes on.
    watcher.on("error", () => watcher.close());
  } catch {
    // As above.
  }
  signal.addEventListener("abort", () => ring());
  return () =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, signal.aborted ? 0 : pollMs);
      ring = () => {
        clearTimeout(timer);
        resolve();
      };
    });
}

/** The text of a message file; null for a file that is none, which is left where it lies. */
function textOf(json: string): string | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null; // Not a message: old hosts rename complete files into place.
  }
  if (typeof value !== "object" || value === null || !("text" in value)) return null;
  return typeof value.text === "string" ? value.text : null;
}
