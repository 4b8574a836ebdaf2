import { opendirSync } from "node:fs";

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
