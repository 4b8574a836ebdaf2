import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Round } from "../bench-line.ts";

/** What was measured on a disk whose syncs take 10 ms longer. */
export interface SlowDisk {
  /** Appends a second of 32 clients; the baseline is raw syncs a second on the same slowed disk. */
  readonly appends: readonly Round[];
  /** The loop's delay at 200 appends a second, in milliseconds; the baseline is idle. */
  readonly delays: readonly Round[];
}

/** Measures in a process of its own; null, with the reason on standard error, where none can be slowed. */
export async function onSlowDisk(folder: string, rounds: number): Promise<SlowDisk | null> {
  const library = join(folder, "slow-sync.so");
  try {
    await run("cc", [
      "-shared",
      "-fPIC",
      "-o",
      library,
      fileURLToPath(new URL("slow-sync.c", import.meta.url)),
      "-ldl",
    ]);
  } catch (error) {
    process.stderr.write(
      `Not measured on a slow disk: this needs Linux and a C compiler (${String(error)})\n`,
    );
    return null;
  }
  const program = fileURLToPath(new URL("slow-disk.ts", import.meta.url));
  const args = ["--conditions=@waybill/source", program, folder, String(rounds)];
  const { stdout } = await run(process.execPath, args, {
    env: { ...process.env, LD_PRELOAD: library },
  });
  return JSON.parse(stdout);
}

const run = promisify(execFile);
