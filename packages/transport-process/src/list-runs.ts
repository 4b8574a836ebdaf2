import { isAbsolute, join } from "node:path";
import type { RunHandle } from "@waybill/core";
import { controlTag } from "./agent-environment.ts";
import { errorCode, readOwn } from "./exclusive-file.ts";
import { whereIs } from "./place.ts";
import type { ProcessEntry, ProcessTable } from "./process-table.ts";
import { parseClaim } from "./records.ts";
import type { Here } from "./run-state.ts";

/**
 * The runs of this owner of which a process is left here: a launcher, known by its command line, or
 * an agent or descendant, known by its environment. What they say is only where to look: a run is
 * listed if the records there, which are ours, name this owner and this place.
 */
export async function listRuns(here: Here, owner: string): Promise<readonly RunHandle[]> {
  const controls = new Set<string>();
  for (const entry of here.table.all()) {
    const control = entry.alive ? controlOf(here.table, entry) : null;
    if (control !== null) controls.add(control);
  }
  const runs = await Promise.all([...controls].map((control) => runAt(here, owner, control)));
  return runs.filter((run) => run !== null);
}

function controlOf(table: ProcessTable, entry: ProcessEntry): string | null {
  const [script, , , control] = table.argumentsOf(entry.pid).slice(-4);
  if (control !== undefined && /launcher\.[jt]s$/u.test(script ?? "")) return control;
  return table.environmentOf(entry.pid, controlTag);
}

async function runAt(here: Here, owner: string, control: string): Promise<RunHandle | null> {
  if (!isAbsolute(control)) return null;
  const claim = parseClaim(await readIfOurs(join(control, "launcher.json")));
  if (claim === null || claim.run.owner !== owner || claim.run.control !== control) return null;
  return whereIs(claim.place, here.place) === "here" ? claim.run : null;
}

async function readIfOurs(path: string): Promise<unknown> {
  try {
    return await readOwn(path);
  } catch (error) {
    const code = errorCode(error);
    // Another user's run: its command line can be read, and that is all.
    if (code === "EACCES" || code === "EFOREIGN") return undefined;
    throw error;
  }
}
