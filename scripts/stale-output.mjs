// TypeScript never removes the output of a source that was renamed or deleted: it would be packed.
import { existsSync, globSync, rmSync } from "node:fs";

/** Removes what lies in a package's dist/ without a source in its src/. */
export function removeStaleOutput(folder) {
  for (const file of globSync("dist/**/*.{js,d.ts}{,.map}", { cwd: folder })) {
    const source = file.replace(/^dist/, "src").replace(/(\.js|\.d\.ts)(\.map)?$/, ".ts");
    if (!existsSync(`${folder}/${source}`)) rmSync(`${folder}/${file}`);
  }
}
