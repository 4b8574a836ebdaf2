// The workspace's packages, read from pnpm-workspace.yaml and each package.json.
import { existsSync, globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The repository's root folder, with a slash at the end. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** Every package of the workspace: its folder from the root, and its package.json. */
export function workspacePackages() {
  return packagePatterns()
    .flatMap((pattern) => globSync(pattern, { cwd: root }).toSorted())
    .filter((folder) => existsSync(`${root}${folder}/package.json`))
    .map((folder) => ({ folder, manifest: readJson(`${folder}/package.json`) }));
}

/** Those that are published. */
export function publicPackages() {
  return workspacePackages().filter(({ manifest }) => manifest.private !== true);
}

/** What users import from a published package: "@waybill/core", "@waybill/core/testing" and so on. */
export function publicEntries({ manifest }) {
  return Object.keys(manifest.exports ?? {})
    .filter((path) => path !== "./package.json")
    .map((path) => manifest.name + path.slice(1));
}

export function readJson(path) {
  return JSON.parse(readFileSync(root + path, "utf8"));
}

/** The list under `packages:`; a YAML parser for five lines is not worth a dependency. */
function packagePatterns() {
  const yaml = readFileSync(`${root}pnpm-workspace.yaml`, "utf8");
  const list = /^packages:\n((?: +- .+\n)+)/m.exec(yaml)?.[1];
  if (list === undefined) throw new Error("pnpm-workspace.yaml has no `packages:` list.");
  return list
    .trim()
    .split("\n")
    .map((line) =>
      line
        .replace(/^ *- */, "")
        .replaceAll(/["']/g, "")
        .trim(),
    );
}
