import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * A folder for one bench, removed at the end. It lies in the checkout, on a real disk: many machines
 * keep their temporary folder in memory, where a sync costs nothing.
 */
export async function workFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const parent = fileURLToPath(new URL("../tmp/", import.meta.url));
  await mkdir(parent, { recursive: true });
  const path = await mkdtemp(join(parent, "bench-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
