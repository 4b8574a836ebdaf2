import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { execa } from "execa";

/**
 * The stores that ours are measured against. They are installed by this bench alone, outside of the
 * workspace, since one of them compiles for minutes: nobody else pays for it. Versions are exact, so
 * that a figure can be had again.
 */
const peers: Readonly<Record<string, string>> = {
  "@event-driven-io/emmett": "0.42.0",
  "@event-driven-io/emmett-postgresql": "0.42.0",
  "@event-driven-io/emmett-sqlite": "0.42.4",
  "@event-driven-io/pongo": "0.16.11",
  sqlite3: "5.1.7",
};

/** Installs the peers where they are not yet, and gives what loads one of them. */
export async function installPeers(): Promise<(name: string) => Promise<unknown>> {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const folder = join(cache, "waybill", "bench-peers", versionsText());
  const finished = join(folder, "finished");
  if (!existsSync(finished)) {
    process.stderr.write(`Installing the peers in ${folder}. This takes some minutes, once.\n`);
    await mkdir(folder, { recursive: true });
    // One of them asks for a patch release of another that is not in every registry.
    // The other compiles by a script of its own, which a newer npm runs only where it is allowed.
    const allowScripts = { sqlite3: true };
    const about = { name: "bench-peers", private: true, allowScripts };
    const manifest = { ...about, dependencies: peers, overrides: peers };
    await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
    const args = ["install", "--no-audit", "--no-fund"];
    await execa("npm", args, { cwd: folder, stdout: "ignore", stderr: "inherit" });
    await writeFile(finished, "");
  }
  const { resolve } = createRequire(join(folder, "package.json"));
  return (name) => import(pathToFileURL(resolve(name)).href);
}

/** The peers and their versions, as a folder's name. */
function versionsText(): string {
  return Object.entries(peers)
    .map(([name, version]) => `${name.split("/").at(-1)}-${version}`)
    .join("_");
}
