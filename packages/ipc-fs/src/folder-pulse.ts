import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";

/** How often to look at folders. All times in milliseconds. */
export interface FolderPulseOptions {
  /**
   * The folders, and files that grow; on Linux `/proc/self/fd/<n>` keeps a swapped folder from being
   * watched instead.
   */
  readonly paths: readonly string[];
  /** Between looks while things happen and the watch works. Default: 250. */
  readonly activeMs?: number;
  /** Between looks once nothing has happened for a while and the watch works. Default: 1,000. */
  readonly idleMs?: number;
  /** Between looks while there is no watch to rely on; grows to `activeMs`. Default: 50. */
  readonly pollMs?: number;
  /** Whether to watch at all. Default: true. */
  readonly watch?: boolean;
  /** Whether a change of this name is worth a look at once. Default: any name is. */
  readonly isHint?: (name: string) => boolean;
  /** Told why the watch was given up. Looking goes on by polling. */
  readonly onWatchLost?: (reason: string) => void;
}

/** The moments to look at folders. */
export interface FolderPulse {
  /**
   * Resolves when it is time to look again.
   *
   * @param look what was seen since the last call: `found` something that a watch should have told
   *   of, nothing but a reason to look again soon (`active`), or nothing at all (`quiet`).
   */
  next(look: "found" | "active" | "quiet"): Promise<void>;
  /** Makes `next` resolve now. */
  wake(): void;
  /** Ends the watch and makes `next` resolve, now and from now on. */
  close(): void;
}

/** Above this many events in a second the watch costs more than it tells. */
const FLOOD_PER_SECOND = 2_000;
const REOPEN_AFTER_MS = 2_000;
const LOOKS_UNTIL_IDLE = 8;
const MISSES_UNTIL_DISTRUST = 3;
/** Without a watch, whoever just said something is soon looked at again. */
const SOON_AFTER_FOUND = 5;

/**
 * Says when to look at folders: at once after a hint of the watch, and at intervals whatever the
 * watch says. A watch loses events (its queue overflows, another process takes the last inotify
 * instance, the folder lies on a VM's mount), so it only ever makes a look come sooner.
 */
export function folderPulse(options: FolderPulseOptions): FolderPulse {
  const { paths, activeMs = 250, idleMs = 1_000, pollMs = 50, isHint = () => true } = options;
  let watchers: readonly FSWatcher[] = [];
  let reopen: NodeJS.Timeout | null = null;
  let timer: NodeJS.Timeout | null = null;
  let resolveNext: (() => void) | null = null;
  let closed = false;
  let hinted = false;
  let hintSinceLook = false;
  let quietLooks = 0;
  let misses = 0;
  let eventsInWindow = 0;
  let windowStart = 0;

  const wake = (): void => {
    hinted = true;
    const resolve = resolveNext;
    if (resolve === null) {
      return;
    }
    resolveNext = null;
    hinted = false;
    if (timer !== null) {
      clearTimeout(timer);
      timer = null;
    }
    resolve();
  };

  const closeWatch = (): void => {
    for (const watcher of watchers) {
      watcher.close();
    }
    watchers = [];
  };

  const loseWatch = (reason: string): void => {
    closeWatch();
    if (closed || reopen !== null) {
      return;
    }
    options.onWatchLost?.(reason);
    reopen = setTimeout(() => {
      reopen = null;
      openWatch();
    }, REOPEN_AFTER_MS);
    reopen.unref();
  };

  const onEvent = (_: string, name: string | null): void => {
    const now = performance.now();
    if (now - windowStart > 1_000) {
      windowStart = now;
      eventsInWindow = 0;
    }
    eventsInWindow += 1;
    if (eventsInWindow > FLOOD_PER_SECOND) {
      loseWatch("FLOOD");
    }
    hintSinceLook = true;
    misses = 0;
    if (name === null || isHint(name)) {
      wake();
    }
  };

  const openWatch = (): void => {
    if (closed) {
      return;
    }
    try {
      for (const path of paths) {
        const watcher = watch(path, { persistent: false }, onEvent);
        watcher.on("error", (error) => loseWatch(codeOf(error)));
        watchers = [...watchers, watcher];
      }
      wake();
    } catch (error) {
      loseWatch(codeOf(error));
    }
  };

  const interval = (look: "found" | "active" | "quiet"): number => {
    if (watchers.length === 0 || misses >= MISSES_UNTIL_DISTRUST) {
      return look === "found"
        ? pollMs / SOON_AFTER_FOUND
        : Math.min(pollMs * (1 + quietLooks), Math.max(pollMs, activeMs));
    }
    return quietLooks < LOOKS_UNTIL_IDLE ? activeMs : idleMs;
  };

  if (options.watch ?? true) {
    openWatch();
  }

  return {
    next(look) {
      quietLooks = look === "quiet" ? quietLooks + 1 : 0;
      if (look === "found" && !hintSinceLook && watchers.length > 0) {
        misses += 1;
      }
      hintSinceLook = false;
      if (closed) {
        return Promise.resolve();
      }
      if (hinted) {
        hinted = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        resolveNext = resolve;
        timer = setTimeout(() => {
          timer = null;
          resolveNext = null;
          resolve();
        }, interval(look));
      });
    },
    wake,
    close() {
      closed = true;
      closeWatch();
      if (reopen !== null) {
        clearTimeout(reopen);
      }
      wake();
    },
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
