import type { EngineInfo } from "../engine/info.ts";
import type { Finding } from "./finding.ts";

/** What the engine tells of itself: where it is, what outlives it, and what it can limit. */
export function lookAtEngine(program: string, info: EngineInfo): EngineFindings {
  return {
    engine: lookAtPlace(program, info),
    liveRestore: lookAtLiveRestore(info),
    logs: lookAtLogs(info),
    cgroups: lookAtCgroups(info),
  };
}

/** One for each check. */
export interface EngineFindings {
  readonly engine: Finding;
  readonly liveRestore: Finding;
  readonly logs: Finding;
  readonly cgroups: Finding;
}

function lookAtPlace(program: string, info: EngineInfo): Finding {
  const kind = info.rootless ? "rootless" : "rootful";
  const found = `"${program}" ${info.version} answers on ${info.name}, ${kind}.`;
  if (info.remote) {
    const fix = "Run the orchestrator on the machine of the engine: its folders are mounted there.";
    return { check: "engine", ok: false, found: `${found} It is on another machine.`, fix };
  }
  return { check: "engine", ok: true, found, fix: null };
}

function lookAtLiveRestore({ liveRestore }: EngineInfo): Finding {
  const check = "live-restore";
  if (liveRestore === null) {
    return { check, ok: true, found: "This engine has no daemon that could end runs.", fix: null };
  }
  if (liveRestore)
    return { check, ok: true, found: "Runs outlive a restart of the engine.", fix: null };
  const found = "A restart of the engine ends every run; sessions go on with a new one.";
  return { check, ok: true, found, fix: 'Set "live-restore": true in /etc/docker/daemon.json.' };
}

function lookAtLogs({ loggingDriver }: EngineInfo): Finding {
  // Every run names its own driver and limits; the engine's default concerns others alone.
  const found = `Every run has its own limit of 16 MB; the engine's default driver is ${loggingDriver}.`;
  return { check: "log-limits", ok: true, found, fix: null };
}

function lookAtCgroups({ cgroups, missing }: EngineInfo): Finding {
  const check = "cgroups";
  if (missing.length === 0) {
    const found = `Cgroups ${cgroups} limit memory and processes.`;
    return { check, ok: true, found, fix: null };
  }
  const found = `Cgroups ${cgroups} cannot limit: ${missing.join(", ")}.`;
  const fix =
    "Boot with the missing controllers, or delegate them to the user of a rootless engine.";
  return { check, ok: false, found, fix };
}
