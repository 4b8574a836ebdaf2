import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { createRequire, stripTypeScriptTypes } from "node:module";
import { dirname, join } from "node:path";

// Puts together what the image holds: our three packages as plain JavaScript, and of the installed
// packages only what runs. Usage: node assemble.ts <repository> <output folder>

const [repository = ".", output = "out"] = process.argv.slice(2);
const modules = join(output, "node_modules");

for (const name of ["core", "ipc-fs", "agent"]) {
  const from = join(repository, "packages", name);
  const to = join(modules, "@waybill", name);
  for (const file of sources(join(from, "src"))) {
    write(join(to, "dist", file.replace(/\.ts$/, ".js")), asJavaScript(join(from, "src", file)));
  }
  cpSync(join(from, "package.json"), join(to, "package.json"));
}

const agent = join(repository, "packages", "agent");
copyPackage("zod", agent);
copyPackage("eventemitter3", join(repository, "packages", "core"));
// The SDK is one file beside its program; its browser and bridge builds are not for us.
const sdk = copyPackage("@anthropic-ai/claude-agent-sdk", agent, [
  "package.json",
  "LICENSE.md",
  "sdk.mjs",
]);
copyPackage(`@anthropic-ai/claude-agent-sdk-linux-${process.arch}`, sdk);

/** The TypeScript files of a package, without its test aids. */
function sources(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && !file.startsWith("testing/"),
  );
}

/** The file without its types: what Node does at every start, done once. */
function asJavaScript(path: string): string {
  const script = stripTypeScriptTypes(readFileSync(path, "utf8"));
  return script.replaceAll(/(\bfrom\s*"\.[^"]*|\bimport\s*\(?"\.[^"]*)\.ts"/g, '$1.js"');
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

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
