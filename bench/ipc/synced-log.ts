import { open } from "node:fs/promises";

/** A file whose appends are synced in groups, as a store commits. */
export interface SyncedLog extends AsyncDisposable {
  /** Resolves once the text is on the disk. */
  append(text: string): Promise<void>;
}

/** Opens it. Whatever is appended while a sync is under way shares the next one. */
export async function syncedLog(path: string): Promise<SyncedLog> {
  const file = await open(path, "a");
  let waiting: string[] = [];
  let next: Promise<void> | null = null;
  let last: Promise<void> = Promise.resolve();

  const sync = async (before: Promise<void>): Promise<void> => {
    await before;
    const text = waiting.join("");
    waiting = [];
    next = null;
    await file.write(text);
    await file.datasync();
  };

  return {
    append(text) {
      waiting.push(text);
      if (next === null) {
        next = sync(last);
        last = next;
      }
      return next;
    },
    async [Symbol.asyncDispose]() {
      await last;
      await file.close();
    },
  };
}
