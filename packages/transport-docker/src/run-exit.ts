import { constants } from "node:os";
import type { RunExit, RunHandle } from "@waybill/core";
import type { Container } from "./engine/container.ts";
import { neverRan } from "./never-ran.ts";
import { recordedOverdraft } from "./records/control.ts";
import { saysLeaseEnded } from "./records/marker.ts";
import { startLineCode } from "./start/start-line.ts";

/** How a container's run ended; null where its program never ran. */
export async function runExit(run: RunHandle, container: Container): Promise<RunExit | null> {
  if (await neverRan(run, container)) return null;
  const exit = exitOf(container);
  const why = await reasonOf(run);
  if (why === null) return exit;
  return { ...exit, detail: exit.detail === undefined ? why : `${why} ${exit.detail}` };
}

/** Why the run was ended from outside; null where it was not, as far as the records tell. */
async function reasonOf(run: RunHandle): Promise<string | null> {
  const bytes = await recordedOverdraft(run);
  if (bytes !== null)
    return `Its folders held ${bytes} bytes, more than diskBytes allows, so it was killed.`;
  return (await saysLeaseEnded(run)) ? "Nobody renewed its lease, so it was ended." : null;
}

/** What the exit code of a container whose program ran can honestly tell. */
function exitOf({ exitCode, oomKilled, error }: Container): RunExit {
  if (exitCode === startLineCode.marker) {
    const detail = `The engine reported exit code ${exitCode}, which is what a second start of the same container leaves behind: the program's own code may be lost.`;
    return { exitCode: null, signal: null, oomKilled, detail };
  }
  if (exitCode === unseen) {
    const detail = `The engine reported exit code ${exitCode}, its word for an end that it did not see; a program may exit like that, too.`;
    return { exitCode: null, signal: null, oomKilled, detail };
  }
  const signal = exitCode > 128 ? (signalNames.get(exitCode - 128) ?? null) : null;
  const details = [detailOf(exitCode, signal, oomKilled), error].filter((part) => part !== "");
  return {
    exitCode: signal === null ? exitCode : null,
    signal,
    oomKilled,
    ...(details.length === 0 ? {} : { detail: details.join(" ") }),
  };
}

/** What an engine reports where it was away while the run ended: after a power cut, for example. */
const unseen = 255;

function detailOf(exitCode: number, signal: string | null, oomKilled: boolean): string {
  if (oomKilled) return `It ran out of memory (exit code ${exitCode}). Give it more: memory.`;
  if (signal !== null) {
    return `The engine reported exit code ${exitCode}: ${signal}, or a program that exits like that.`;
  }
  if (exitCode === 126) return "Exit code 126: the command could not be executed.";
  if (exitCode === 127) return "Exit code 127: a command was not found.";
  return "";
}

const signalNames = new Map(
  Object.entries(constants.signals)
    .filter(([name]) => name !== "SIGIOT" && name !== "SIGPOLL" && name !== "SIGUNUSED")
    .map(([name, number]) => [number, name]),
);
