// docs/testing.md promises that its snippets run, not only that they compile.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const page = new URL("../../../docs/testing.md", import.meta.url);
// Inside the package, so that a snippet finds it by its name.
const here = fileURLToPath(new URL("./", import.meta.url));
const run = promisify(execFile);

test("every snippet of docs/testing.md comes to its end", { timeout: 180_000 }, async () => {
  const text = await readFile(page, "utf8");
  const snippets = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code ?? "");
  expect(snippets.length).toBeGreaterThan(8);
  const folder = await mkdtemp(join(here, ".snippets-"));
  try {
    await Promise.all(
      snippets.map(async (code, index) => {
        const file = join(folder, `${index + 1}.ts`);
        await writeFile(file, code);
        const { stderr } = await run(process.execPath, ["--conditions=@waybill/source", file]);
        expect(stderr, `snippet ${index + 1}`).toBe("");
      }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
