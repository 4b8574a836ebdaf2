import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * The plan that the model wrote last, from the folder where the SDK has it write plans; null where
 * there is none. The tool that ends a plan does not always bring it along.
 */
export async function latestPlan(claude: string): Promise<string | null> {
  const folder = join(claude, "plans");
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  let latest: { readonly path: string; readonly at: number } | null = null;
  for (const name of names.filter((each) => each.endsWith(".md"))) {
    const path = join(folder, name);
    const { mtimeMs: at } = await stat(path);
    if (latest === null || at > latest.at) latest = { path, at };
  }
  return latest === null ? null : readFile(latest.path, "utf8");
}
