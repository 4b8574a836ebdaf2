// Compiles every ```ts block of the README files and docs/ as a module against the workspace's own
// types, so that no snippet outlives the API that it shows.
//
//   ```ts             a module of its own
//   ```ts continued   goes on where the block before it in the same page ended
//   ```ts no-compile  a fragment: a signature, a shape, something left out. Use it sparingly.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { root, workspacePackages } from "./workspace.mjs";

const pages = globSync(
  ["README.md", "packages/*/README.md", "examples/*/README.md", "docs/**/*.md"],
  {
    cwd: root,
  },
).toSorted();
const blocks = pages.flatMap(blocksOf);
const modules = modulesOf(blocks.filter(({ mode }) => mode !== "no-compile"));

// Git-ignored, and inside the repository so that the base tsconfig and the types of Node are found.
mkdirSync(`${root}tmp`, { recursive: true });
const scratch = mkdtempSync(`${root}tmp/snippets-`);
try {
  linkPackages();
  writeModules();
  const output = compile();
  if (output !== "") {
    console.error(output);
    process.exitCode = 1;
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
const skipped = blocks.filter(({ mode }) => mode === "no-compile").length;
console.log(`${blocks.length - skipped} compiled, ${skipped} marked no-compile`);

/** The ts blocks of one page, with the line that each begins at. */
function blocksOf(page) {
  const found = [];
  let open = null;
  for (const [at, line] of readFileSync(root + page, "utf8")
    .split("\n")
    .entries()) {
    if (open !== null && line.startsWith(open.fence)) {
      if (open.isTypeScript) found.push(open);
      open = null;
    } else if (open !== null) {
      open.lines.push(line.slice(open.indent));
    } else {
      open = openBlock(page, line, at);
    }
  }
  return found;
}

function openBlock(page, line, at) {
  const opening = /^( *)(`{3,}|~{3,})([^\s`]*)(?: +(.*))?$/.exec(line);
  if (opening === null) return null;
  const [, space, ticks, language, mode = ""] = opening;
  const isTypeScript = language === "ts" || language === "typescript";
  if (isTypeScript && !["", "continued", "no-compile"].includes(mode.trim())) {
    throw new Error(`${page}:${at + 1}: "${mode}" is neither "continued" nor "no-compile".`);
  }
  return {
    page,
    fence: space + ticks,
    indent: space.length,
    isTypeScript,
    mode: mode.trim(),
    first: at + 1,
    lines: [],
  };
}

/** Continued blocks join the block before; every line keeps its number in the page. */
function modulesOf(compiled) {
  const joined = [];
  for (const block of compiled) {
    if (block.mode !== "continued") joined.push({ page: block.page, lines: [] });
    const { page, lines } = joined.at(-1) ?? {};
    if (page !== block.page) throw new Error(`${block.page}:${block.first}: continues nothing.`);
    while (lines.length < block.first) lines.push("");
    lines.push(...block.lines);
  }
  return joined;
}

/** What a user who installed every package could import: our packages and what they depend on. */
function linkPackages() {
  const links = new Map();
  for (const { folder, manifest } of workspacePackages()) {
    if (manifest.name.startsWith("@waybill/")) links.set(manifest.name, root + folder);
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })) {
      const target = `${root}${folder}/node_modules/${name}`;
      if (!links.has(name) && existsSync(target)) links.set(name, target);
    }
  }
  for (const [name, target] of links) {
    const link = `${scratch}/node_modules/${name}`;
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(target, link);
  }
}

function writeModules() {
  for (const [at, { lines }] of modules.entries()) {
    writeFileSync(`${scratch}/${at}.ts`, `${lines.join("\n")}\n`);
  }
  writeFileSync(
    `${scratch}/tsconfig.json`,
    JSON.stringify({
      extends: `${root}tsconfig.base.json`,
      compilerOptions: {
        noEmit: true,
        composite: false,
        declaration: false,
        isolatedDeclarations: false,
        moduleDetection: "force",
        // A snippet shows how to get something, not what to do with it.
        noUnusedLocals: false,
        noUnusedParameters: false,
      },
      files: modules.map((_, at) => `${at}.ts`),
    }),
  );
  writeFileSync(`${scratch}/package.json`, `{"type":"module"}`);
}

/** The compiler's output with the pages' names in it; empty where everything compiles. */
function compile() {
  if (modules.length === 0) return "";
  const { status, stdout, error } = spawnSync("tsc", ["-p", scratch, "--pretty", "false"], {
    cwd: scratch,
    encoding: "utf8",
    env: { ...process.env, PATH: `${root}node_modules/.bin:${process.env.PATH}` },
  });
  if (error !== undefined) throw error;
  if (status === 0) return "";
  return stdout.replaceAll(/^(\d+)\.ts\((\d+),(\d+)\)/gm, (_, at, line, column) => {
    return `${modules[at].page}:${line}:${column}`;
  });
}
