import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";

/** Waits for something to change in a folder: a hint to look again, never the only reason to. */
export interface FolderChanges extends Disposable {
  /** Resolves on a change since the last wait, after this many milliseconds, or on abort. */
  next(ms: number): Promise<void>;
}

/** Watches a folder. Where that cannot be done, waits simply take their whole time. */
export function folderChanges(folder: string, signal?: AbortSignal): FolderChanges {
  let changed = false;
  let wake = (): void => undefined;
  const change = (): void => {
    changed = true;
    wake();
  };
  const watcher = watchFolder(folder, change);
  signal?.addEventListener("abort", change, { once: true });
  return {
    next: async (ms) => {
      if (!changed && signal?.aborted !== true) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = (): void => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      changed = false;
    },
    [Symbol.dispose]: () => {
      watcher?.close();
      signal?.removeEventListener("abort", change);
    },
  };
}

function watchFolder(folder: string, change: () => void): FSWatcher | null {
  try {
    const watcher = watch(folder, change);
    // The folder was removed, or the machine ran out of watches: the waits end by time.
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    // It is not there yet, or the machine is out of watches.
    return null;
  }
}
