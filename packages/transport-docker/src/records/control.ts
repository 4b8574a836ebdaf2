import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunHandle } from "@waybill/core";
import fse from "fs-extra";
import { errorCode } from "./error-code.ts";

// Three records in the control folder, which no container ever sees:
// `engine` is the identity of the engine that was asked for the run: another one proves nothing;
// `ended` says that the run was stopped or removed: it holds where the run deletes its own marker;
// `overdraft` says with how many bytes on the disk the run was killed.

/** Records which engine is about to be asked for the run. */
export async function recordEngine(run: RunHandle, engineId: string): Promise<void> {
  await fse.outputFile(join(run.control, "engine"), `${engineId}\n`, { mode: 0o600 });
}

/** The identity of the engine that was asked for the run; null where none ever was. */
export async function recordedEngine(run: RunHandle): Promise<string | null> {
  try {
    const id = (await readFile(join(run.control, "engine"), "utf8")).trim();
    return id === "" ? null : id;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** Records that the run was stopped or removed. */
export async function recordEnd(run: RunHandle): Promise<void> {
  await fse.outputFile(join(run.control, "ended"), "", { mode: 0o600 });
}

/** Whether the run was stopped or removed. */
export async function hasEnded(run: RunHandle): Promise<boolean> {
  return await fse.pathExists(join(run.control, "ended"));
}

/** Records that the run is killed since its folders hold so many bytes. */
export async function recordOverdraft(run: RunHandle, bytes: number): Promise<void> {
  await fse.outputFile(join(run.control, "overdraft"), `${bytes}\n`, { mode: 0o600 });
}

/** With how many bytes the run was killed; null where that is not why it ended. */
export async function recordedOverdraft(run: RunHandle): Promise<number | null> {
  try {
    return Number(await readFile(join(run.control, "overdraft"), "utf8"));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}
