// Checks which package imports which: the arrows of docs/decisions/0084, so that
// the core stays pure and adapters stay exchangeable. Reads every import and every package.json.
import { globSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative } from "node:path";
import { readJson, root, workspacePackages } from "./workspace.mjs";

/**
 * What a package's source may import of the workspace, as import specifiers. A package that is not
 * listed and lies under packages/ is an adapter; one elsewhere (an example, a bench) wires
 * everything together and may import anything.
 */
const allowed = {
  "@waybill/core": [],
  "@waybill/agent": ["@waybill/core", "@waybill/ipc-fs/agent", "@waybill/ipc-fs/protocol"],
};
const allowedForAdapters = ["@waybill/core"];

const packages = workspacePackages();
const problems = packages.flatMap((pkg) => [
  ...manifestProblems(pkg),
  ...sourceFiles(pkg.folder).flatMap((file) => fileProblems(pkg, file)),
]);

if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`${packages.length} packages`);

/** The dependencies declared are allowed, and TypeScript's references say the same. */
function manifestProblems({ folder, manifest }) {
  if (!folder.startsWith("packages/")) return [];
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(
    isOurs,
  );
  const arrows = arrowsOf(manifest.name).map(packageOf);
  const wrong = declared
    .filter((name) => !arrows.includes(name))
    .map((name) => `${folder}/package.json: ${manifest.name} may not depend on ${name}.`);
  const referenced = readJson(`${folder}/tsconfig.json`)
    .references.map(({ path }) => readJson(`${join(folder, path)}/package.json`).name)
    .toSorted();
  if (referenced.join() !== declared.toSorted().join()) {
    wrong.push(
      `${folder}/tsconfig.json: references ${referenced.join(", ")}, but package.json depends on ${declared.join(", ")}.`,
    );
  }
  return wrong;
}

function fileProblems({ folder, manifest }, file) {
  return importsOf(file).flatMap((specifier) => {
    const why = problemOf(specifier, { folder, manifest, file });
    return why === null ? [] : [`${file}: imports "${specifier}": ${why}`];
  });
}

function problemOf(specifier, { folder, manifest, file }) {
  if (specifier.startsWith(".")) return relativeProblem(specifier, { folder, file });
  if (specifier.startsWith("node:")) return null;
  if (builtinModules.includes(specifier)) return `write "node:${specifier}".`;
  const name = packageOf(specifier);
  const inSource = file.startsWith(`${folder}/src/`);
  if (isOurs(name) && folder.startsWith("packages/")) {
    if (name === manifest.name) {
      return inSource ? "a package's source imports its own files by relative path." : null;
    }
    const why = arrowProblem(specifier, { manifest, file, inSource });
    if (why !== null) return why;
  }
  return declarationProblem(name, { manifest, inSource });
}

/** A relative import stays in its package, names a TypeScript file, and leaves test kits to tests. */
function relativeProblem(specifier, { folder, file }) {
  const target = join(dirname(file), specifier);
  const inSource = file.startsWith(`${folder}/src/`);
  // What several packages' tests need, such as a look at the engine, stands in integration/ once.
  if (!inSource && target.startsWith("integration/")) return null;
  if (relative(folder, target).startsWith("..")) {
    return "it leaves the package: import the other package by its name.";
  }
  if (file.endsWith(".ts") && !/\.(ts|json)$/.test(specifier)) return "it must end in .ts.";
  if (inSource && target.startsWith(`${folder}/src/testing/`) && !isTestKit(file)) {
    return "what users run may not import the test kit.";
  }
  if (inSource && !target.startsWith(`${folder}/src/`)) return "source imports source only.";
  return null;
}

/** The arrow between the two packages exists. A test may use every entry of an allowed package. */
function arrowProblem(specifier, { manifest, file, inSource }) {
  const arrows = arrowsOf(manifest.name);
  const isKit = specifier.endsWith("/testing");
  if (inSource && isKit && !isTestKit(file)) return "what users run may not import a test kit.";
  const may = inSource && !isKit ? arrows : arrows.map(packageOf);
  const asked = inSource && !isKit ? specifier : packageOf(specifier);
  return may.includes(asked)
    ? null
    : `${manifest.name} may import ${arrows.length === 0 ? "nothing of the workspace" : arrows.join(", ")}.`;
}

/** Whatever is imported is declared by this package, or, outside its source, by the root. */
function declarationProblem(name, { manifest, inSource }) {
  const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
  if (inSource) return name in declared ? null : `it is no dependency of ${manifest.name}.`;
  const here = {
    ...declared,
    ...manifest.devDependencies,
    ...readJson("package.json").devDependencies,
  };
  return name in here ? null : `it is a dependency of neither ${manifest.name} nor the root.`;
}

function arrowsOf(name) {
  return allowed[name] ?? allowedForAdapters;
}

function isOurs(name) {
  return name.startsWith("@waybill/");
}

function isTestKit(file) {
  return file.includes("/src/testing/");
}

function packageOf(specifier) {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Static, dynamic and type imports, and re-exports; statements start a line, so comments do not count. */
function importsOf(file) {
  const source = readFileSync(root + file, "utf8");
  const statements =
    /^\s*(?:import|export)\b(?:[^"'`;()]*?\bfrom)?\s*["']([^"'\n]+)["']|\bimport\(\s*["']([^"'\n]+)["']/gm;
  return [...source.matchAll(statements)].map((match) => match[1] ?? match[2]);
}

function sourceFiles(folder) {
  return globSync(`${folder}/**/*.{ts,mts,js,mjs}`, {
    cwd: root,
    exclude: (path) => /(^|\/)(node_modules|dist)$/.test(path),
  }).toSorted();
}
