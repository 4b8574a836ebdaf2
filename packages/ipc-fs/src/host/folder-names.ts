import { opendirSync } from "node:fs";

/** What `stat` counts blocks in, whatever the disk's own blocks are. */
export const BLOCK_BYTES = 512;

/** Some names of a folder, without ever holding more than `limit`: it may have a million. */
export function folderNames(
  path: string,
  limit: number,
): { readonly names: readonly string[]; readonly all: boolean } {
  const folder = opendirSync(path, { bufferSize: 256 });
  try {
    const names: string[] = [];
    for (;;) {
      const entry = folder.readSync();
      if (entry === null) {
        return { names, all: true };
      }
      if (names.length === limit) {
        return { names, all: false };
      }
      names.push(entry.name);
    }
  } finally {
    folder.closeSync();
  }
}

/** Every name of a folder, read as far as it is asked for. */
export function* walkNames(path: string): Generator<string, void, undefined> {
  const folder = opendirSync(path, { bufferSize: 256 });
  try {
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
      yield entry.name;
    }
  } finally {
    folder.closeSync();
  }
}
