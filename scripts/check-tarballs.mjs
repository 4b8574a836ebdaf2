// Checks the packages as users get them: packs each one, lints the tarballs, installs them all into
// an empty project, compiles a file that imports every public entry, and runs it with plain Node.
// Nothing here sees the workspace's sources: what is missing from a tarball is missing for real.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { pnpm } from "./pnpm.mjs";
import { removeStaleOutput } from "./stale-output.mjs";
import { publicEntries, publicPackages, readJson, root } from "./workspace.mjs";

const run = promisify(execFile);
const packages = publicPackages();
const entries = packages.flatMap(publicEntries);
const environment = {
  ...process.env,
  PATH: `${root}node_modules/.bin:${process.env.PATH}`,
  NODE_OPTIONS: "", // no condition, no loader: what a user's Node does
};

const scratch = mkdtempSync(join(tmpdir(), "waybill-tarballs-"));
try {
  const tarballs = pack();
  const problems = (await lintAll(tarballs)) + (await useFromProject(tarballs));
  if (problems === "") {
    console.log(`${tarballs.length} packages, ${entries.length} entries`);
  } else {
    console.error(problems);
    process.exitCode = 1;
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** One tarball per published package, with the output of exactly the sources that are there. */
function pack() {
  for (const { folder } of packages) removeStaleOutput(root + folder);
  const only = packages.flatMap(({ folder }) => ["--filter", `./${folder}`]);
  pnpm(["-r", ...only, "pack", "--pack-destination", `${scratch}/packed`], {
    cwd: root,
    env: environment,
  });
  return packages.map(({ manifest: { name, version } }) => {
    const file = `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
    return { name, file: `${scratch}/packed/${file}` };
  });
}

/** Every tarball's complaints, two tarballs at a time. */
async function lintAll(tarballs) {
  const waiting = [...tarballs];
  const results = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      results.push(await lint(next));
    }
  };
  await Promise.all([work(), work()]);
  return results.join("");
}

async function lint({ name, file }) {
  const { stdout: listing } = await run("tar", ["-tzf", file]);
  const missing = ["README.md", "LICENSE"]
    .filter((wanted) => !listing.includes(`package/${wanted}\n`))
    .map((wanted) => `${wanted} is missing.\n`);
  // Without a look at the registry for @types: our types are our own.
  const attw = ["--profile=esm-only", "--no-definitely-typed", "--no-color", "--no-emoji", file];
  const complaints = [
    ...missing,
    await complaint("publint", ["run", "--strict", file]),
    await complaint("attw", attw),
  ].join("");
  return complaints === "" ? "" : `${name}:\n${complaints}\n`;
}

/** An empty project that has all the tarballs: what does not compile or load, or nothing. */
async function useFromProject(tarballs) {
  const project = `${scratch}/project`;
  mkdirSync(project);
  const ours = Object.fromEntries(tarballs.map(({ name, file }) => [name, `file:${file}`]));
  const others = installedVersions();
  write(`${project}/package.json`, {
    name: "tarballs",
    private: true,
    type: "module",
    dependencies: { ...ours, "@types/node": others["@types/node"] },
  });
  // Ours from the tarballs; others as the repository has them, so that a release of tomorrow
  // changes nothing here.
  write(`${project}/pnpm-workspace.yaml`, { packages: ["."], overrides: { ...others, ...ours } });
  write(`${project}/tsconfig.json`, {
    compilerOptions: {
      target: "es2024",
      module: "nodenext",
      strict: true,
      noEmit: true,
      types: ["node"],
    },
    files: ["all.ts"],
  });
  writeFileSync(`${project}/all.ts`, program());
  writeFileSync(`${project}/all.mjs`, program());
  pnpm(["install", "--prefer-offline", "--ignore-scripts"], { cwd: project, env: environment });
  return (
    (await complaint("tsc", ["-p", project, "--pretty", "false"])) +
    (await complaint(process.execPath, [`${project}/all.mjs`]))
  );
}

/** Imports every entry, and throws for one that gives nothing or comes from somewhere else. */
function program() {
  const imports = entries.map((entry, at) => `import * as entry${at} from "${entry}";\n`);
  const names = entries.map((entry, at) => `  "${entry}": entry${at},\n`);
  return `${imports.join("")}
const entries = {
${names.join("")}};
for (const [name, entry] of Object.entries(entries)) {
  if (Object.keys(entry).length === 0) throw new Error(name + " exports nothing");
  const file = import.meta.resolve(name);
  if (!file.endsWith(".js") || !file.includes("/dist/")) throw new Error(name + " is " + file);
}
`;
}

/** The version of every dependency that the packages have in the workspace. */
function installedVersions() {
  const versions = { "@types/node": readJson("node_modules/@types/node/package.json").version };
  for (const { folder, manifest } of packages) {
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      if (name.startsWith("@waybill/")) continue;
      versions[name] = readJson(`${folder}/node_modules/${name}/package.json`).version;
    }
  }
  return versions;
}

/** What a command prints where it fails; nothing where it succeeds. */
async function complaint(command, args) {
  try {
    await run(command, args, { env: environment, maxBuffer: 16 * 1024 * 1024 });
    return "";
  } catch (error) {
    if (typeof error.code !== "number") throw error;
    return `${command} ended with ${error.code}:\n${error.stdout}${error.stderr}`;
  }
}

function write(file, value) {
  writeFileSync(file, JSON.stringify(value, null, 2));
}
