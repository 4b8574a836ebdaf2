import { cpSync, existsSync, readdirSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { rolldown } from "rolldown";

// Puts together what the image holds: our program in two files, what starts and what is started, and
// of the SDK only what runs. Usage: node assemble.ts <repository> <output folder>

const [repository = ".", output = "out"] = process.argv.slice(2);
const modules = join(output, "node_modules");
const agent = join(repository, "packages", "agent");
const own = join(modules, "@waybill", "agent");
const SDK = "@anthropic-ai/claude-agent-sdk";

// Hundreds of small files cost 0.1 s at every start; the SDK is one file already, and stays as it is.
const bundle = await rolldown({
  input: join(agent, "docker", "start.ts"),
  platform: "node",
  external: [SDK],
  resolve: { conditionNames: ["@waybill/source", "node", "import", "default"] },
});
const { output: chunks } = await bundle.write({
  dir: join(own, "dist"),
  format: "esm",
  entryFileNames: "main.js",
  chunkFileNames: "[name].js",
});
cpSync(join(agent, "package.json"), join(own, "package.json"));
for (const name of bundledPackages()) {
  copyPackage(name, agent, ["package.json", "LICENSE"]);
}

const sdk = copyPackage(SDK, agent, ["package.json", "LICENSE.md", "sdk.mjs"]);
copyPackage(`@anthropic-ai/claude-agent-sdk-linux-${process.arch}`, sdk);

/** The installed packages of which something is in the bundle: their names and licences go along. */
function bundledPackages(): ReadonlySet<string> {
  const ids = chunks.flatMap((chunk) => (chunk.type === "chunk" ? Object.keys(chunk.modules) : []));
  const found = ids.flatMap((id) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? []);
  return new Set(found);
}

/** Copies an installed package as the package in `from` sees it; returns where it was. */
function copyPackage(name: string, from: string, files?: readonly string[]): string {
  const { resolve } = createRequire(join(realpathSync(from), "package.json"));
  const folder = (resolve.paths(name) ?? [])
    .map((path) => join(path, name))
    .find((path) => existsSync(path));
  if (folder === undefined) throw new Error(`${name} is not installed for ${from}`);
  for (const file of files ?? readdirSync(folder)) {
    cpSync(join(folder, file), join(modules, name, file), { recursive: true, dereference: true });
  }
  return realpathSync(folder);
}
