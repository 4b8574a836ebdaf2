import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

/** Writes a summary as `chaos/results/NAME.json`, with what it depends on: the machine it ran on. */
export async function saveResult(name: string, summary: object): Promise<void> {
  const facts = {
    node: process.version,
    platform: `${process.platform} ${process.arch} ${release()}`,
    cpus: availableParallelism(),
    cpuModel: cpus()[0]?.model ?? "unknown",
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadAfter: loadavg()[0] ?? 0,
    command: ["pnpm", "chaos", ...process.argv.slice(2)].join(" "),
  };
  const folder = new URL("results/", import.meta.url);
  await mkdir(folder, { recursive: true });
  await writeFile(
    new URL(`${name}.json`, folder),
    `${JSON.stringify({ facts, summary }, null, 2)}\n`,
  );
}
