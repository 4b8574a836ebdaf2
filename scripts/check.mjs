// `pnpm check`: everything that can be known without running the tests. `--quick` leaves out the
// packed tarballs. One line per step; a step that fails shows what it printed.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { publicPackages, root } from "./workspace.mjs";

const libraries = publicPackages().map(({ folder }) => folder);
const node = process.execPath;

// The quick ones first. A step waits for another only where it could not mean anything without it.
const steps = [
  { name: "format", command: ["oxfmt", "--check"] },
  { name: "lint", command: ["oxlint", "--format=unix", ...typeAware()] },
  { name: "imports", command: [node, "scripts/check-imports.mjs"] },
  { name: "decisions", command: [node, "scripts/check-decisions.mjs"] },
  { name: "links", command: [node, "scripts/check-links.mjs"] },
  { name: "types", command: ["tsc", "-b", ...libraries, "--pretty", "false"] },
  { name: "types of tests", command: ["tsc", "-p", "tsconfig.tests.json", "--pretty", "false"] },
  { name: "snippets", command: [node, "scripts/check-snippets.mjs"] },
  { name: "dead code", command: ["knip", "--no-progress", "--no-config-hints"] },
  { name: "tarballs", command: [node, "scripts/check-tarballs.mjs"], slow: true, after: "types" },
];

const quick = process.argv.includes("--quick");
const failed = new Set();
const started = performance.now();

for (const step of steps) {
  if (quick && step.slow) continue;
  if (failed.has(step.after)) {
    failed.add(step.name);
    console.log(`✗ ${step.name.padEnd(15)} not run: it needs "${step.after}"`);
  } else {
    runStep(step);
  }
}

console.log(`${failed.size === 0 ? "all passed" : `${failed.size} failed`} in ${seconds(started)}`);
process.exit(failed.size === 0 ? 0 : 1);

function runStep({ name, command: [program, ...args] }) {
  const begun = performance.now();
  const { status, signal, error, stdout, stderr } = spawnSync(program, args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    // The tools of the repository, and its Node, however this script was started.
    env: { ...process.env, PATH: `${root}node_modules/.bin:${process.env.PATH}`, NO_COLOR: "1" },
  });
  const note = status === 0 && program === node ? stdout.trim() : "";
  console.log(
    `${status === 0 ? "✓" : "✗"} ${name.padEnd(15)} ${seconds(begun)}  ${note}`.trimEnd(),
  );
  if (status === 0) return;
  failed.add(name);
  console.log(
    `  ${[program === node ? "node" : program, ...args].join(" ")} ended with ${status ?? signal ?? error}`,
  );
  const output = stripVTControlCharacters(`${stdout ?? ""}${stderr ?? ""}`);
  console.log(output.trimEnd().replaceAll(/^/gm, "  "));
}

/** The rules that need types, such as no-floating-promises, run where their engine is installed. */
function typeAware() {
  return existsSync(`${root}node_modules/oxlint-tsgolint`) ? ["--type-aware"] : [];
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`.padStart(7);
}
