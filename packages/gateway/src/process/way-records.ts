import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { WaySpec } from "../way-spec.ts";
import { recordsFolder, wayFolder, wayRecord } from "../way-spec.ts";
import { readWaySpec } from "./read-way-spec.ts";
import { isRecord } from "./shapes.ts";

/** Records that the run is attached. Resolves once another process of this root would see it. */
export async function saveWay(root: string, way: WaySpec): Promise<void> {
  const file = wayRecord(root, way);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.tmp`, JSON.stringify({ v: 1, boot: await bootId(), way }));
  await rename(`${file}.tmp`, file);
}

/** Removes the run's record and its folder, in this order: what has no record is rubbish. */
export async function forgetWay(
  root: string,
  run: { readonly sessionId: string; readonly runId: string },
): Promise<void> {
  await rm(wayRecord(root, run), { force: true });
  await rm(wayFolder(root, run), { recursive: true, force: true });
}

/**
 * The runs that were attached when the last process of this root ended. Those of an earlier boot are
 * forgotten, since no run survives one; so are folders that a crash left without a record.
 */
export async function readWayRecords(root: string): Promise<readonly WaySpec[]> {
  const boot = await bootId();
  const files = await namesIn(recordsFolder(root));
  const kept = new Set<string>();
  const ways: WaySpec[] = [];
  for (const name of files) {
    const file = path.join(recordsFolder(root), name);
    const record = parse(await readFile(file, "utf8"));
    const way = readWaySpec(record["way"]);
    if (way === null && name.endsWith(".json")) {
      process.stderr.write(`The record ${file} is unreadable, so its run stays unserved.\n`);
      kept.add(path.basename(name, ".json"));
    } else if (way === null || record["boot"] !== boot) {
      await rm(file, { force: true });
    } else {
      kept.add(path.basename(name, ".json"));
      ways.push(way);
    }
  }
  for (const name of await namesIn(path.join(root, "r"))) {
    if (!kept.has(name)) await rm(path.join(root, "r", name), { recursive: true, force: true });
  }
  return ways;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  return readdir(folder);
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch {
    return {}; // Reported by the caller as an unreadable record.
  }
}

async function bootId(): Promise<string> {
  // Only Linux has it; elsewhere records outlive a boot until someone detaches their runs.
  return readFile("/proc/sys/kernel/random/boot_id", "utf8").then(
    (text) => text.trim(),
    () => "",
  );
}
