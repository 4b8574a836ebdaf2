// Checks that every relative link in the repository's pages leads to a file that is there.
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./workspace.mjs";

const pages = globSync(["*.md", ".changeset/*.md", "docs/**/*.md", "{packages,examples}/*/*.md"], {
  cwd: root,
  exclude: ["**/node_modules"],
}).toSorted();
const broken = pages.flatMap((page) =>
  linksOf(page)
    .filter((link) => !existsSync(join(root, dirname(page), link)))
    .map((link) => `${page}: nothing is at ${link}`),
);

if (broken.length > 0) {
  console.error(broken.join("\n"));
  process.exit(1);
}
console.log(`${pages.length} pages`);

/** The targets of a page's links and images, without anchors, addresses and code. */
function linksOf(page) {
  const text = readFileSync(root + page, "utf8")
    .replaceAll(/^( *)(`{3,}).*\n[^]*?^\1\2/gm, "")
    .replaceAll(/`[^`\n]*`/g, "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target.split("#")[0])
    .filter((target) => target !== "" && !/^[a-z]+:/.test(target));
}
