// Checks that docs/decisions/README.md lists every decision page; `--write` makes the list anew.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { root } from "./workspace.mjs";

const folder = `${root}docs/decisions/`;
const index = `${folder}README.md`;
const begin = "<!-- index: made by `node scripts/check-decisions.mjs --write` -->\n";
const end = "<!-- end of index -->";

const pages = readdirSync(folder)
  .filter((name) => name.endsWith(".md") && name !== "README.md")
  .toSorted();
const problems = [...pages.flatMap(pageProblems), ...repeatedNumbers()];
if (problems.length === 0) checkIndex();

if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`${pages.length} pages`);

function pageProblems(name) {
  if (!/^\d{4}-[a-z0-9-]+\.md$/.test(name)) {
    return [`docs/decisions/${name}: name it NNNN-a-few-words.md.`];
  }
  return titleOf(name) === null ? [`docs/decisions/${name}: its first line is no "# Title".`] : [];
}

function repeatedNumbers() {
  const numbers = pages.map((name) => name.slice(0, 4));
  return numbers
    .filter((number, at) => numbers.indexOf(number) !== at)
    .map((number) => `docs/decisions: two pages have the number ${number}.`);
}

function checkIndex() {
  const text = readFileSync(index, "utf8");
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) {
    problems.push(
      `docs/decisions/README.md: the lines "${begin.trim()}" and "${end}" are missing.`,
    );
    return;
  }
  const wanted = `${text.slice(0, from)}${begin}\n${list()}\n${text.slice(to)}`;
  if (wanted === text) return;
  if (process.argv.includes("--write")) {
    writeFileSync(index, wanted);
    return;
  }
  problems.push(
    "docs/decisions/README.md is stale: run `node scripts/check-decisions.mjs --write`.",
  );
}

function list() {
  return pages.map((name) => `- [${name.slice(0, 4)}](${name}) ${titleOf(name)}\n`).join("");
}

/** The first line without its number: "# 0042: Title", "# 42. Title" and "# Title" are all read. */
function titleOf(name) {
  const first = readFileSync(folder + name, "utf8").split("\n", 1)[0];
  return /^# +(?:\d+ *[.:–—-] *)?(.+)$/.exec(first)?.[1] ?? null;
}
