import { stat } from "node:fs/promises";
import { WaybillError } from "@waybill/core";
import type { RunExit, RunHandle } from "@waybill/core";
import { errorCode, readOwn } from "./exclusive-file.ts";
import { whereIs } from "./place.ts";
import type { Place } from "./place.ts";
import { isAlive } from "./process-table.ts";
import type { ProcessTable } from "./process-table.ts";
import { isTombstone, parseAgent, parseClaim, parseExit, runFiles } from "./records.ts";
import type { AgentRecord, Claim } from "./records.ts";

/** Where we look from: this machine and its processes. */
export interface Here {
  readonly place: Place;
  readonly table: ProcessTable;
}

/** What files and processes say of a run, each on evidence. */
export type RunState =
  /** The folder for the marker is there and has none: nobody ever started it. */
  | { readonly type: "none" }
  /** The folders themselves are missing (a disk that is not mounted?): no evidence of anything. */
  | { readonly type: "unknown"; readonly why: string }
  /** It was stopped before it was started. */
  | { readonly type: "forbidden" }
  | LiveRun
  /** Its processes are gone, and none of them lived to say how. */
  | DeadRun
  /** It was started by another machine or container, whose pids say nothing here. */
  | { readonly type: "elsewhere"; readonly claim: Claim }
  | { readonly type: "exited"; readonly exit: RunExit };

/** A run of which the launcher, the agent or both are alive. */
export interface LiveRun {
  readonly type: "alive";
  readonly claim: Claim;
  /** Null until the launcher has recorded it. */
  readonly agent: AgentRecord | null;
  readonly launcherAlive: boolean;
  readonly agentAlive: boolean;
}

/** A run that ended without a record. */
export interface DeadRun {
  readonly type: "dead";
  /** Null where the marker is no record of ours. */
  readonly claim: Claim | null;
  readonly agent: AgentRecord | null;
  /** True where no process of the run can be left: the machine was restarted. */
  readonly restarted: boolean;
}

/** Reads what is known of a run now. Throws `RECORDS_UNREADABLE` where the disk does not answer. */
export async function readRun(here: Here, run: RunHandle): Promise<RunState> {
  try {
    return (await readEnd(run)) ?? (await readClaim(here, run));
  } catch (error) {
    throw new WaybillError(
      "RECORDS_UNREADABLE",
      `The records of run ${run.runId} in ${run.control} cannot be read (${errorCode(error)}): make the folder readable for this user.`,
      { class: "transient", details: { runId: run.runId, control: run.control }, cause: error },
    );
  }
}

async function readEnd(run: RunHandle): Promise<RunState | null> {
  const exit = parseExit(await readOwn(runFiles(run).exit));
  return exit === null ? null : { type: "exited", exit };
}

async function readClaim(here: Here, run: RunHandle): Promise<RunState> {
  const files = runFiles(run);
  const claim = parseClaim(await readOwn(files.claim));
  if (claim !== null) return readProcesses(here, run, claim);
  const marker = await readOwn(files.marker);
  if (marker === undefined) return readNothing(run);
  if (isTombstone(marker)) return { type: "forbidden" };
  const marked = parseClaim(marker);
  const dead = { type: "dead", claim: null, agent: null, restarted: false } as const;
  if (marked === null) return (await readEnd(run)) ?? dead;
  // The run can write the marker. A process that it names is believed only if it is our launcher.
  const trusted = whereIs(marked.place, here.place) !== "here" || isLauncher(here, run, marked);
  return trusted ? readProcesses(here, run, marked) : ((await readEnd(run)) ?? dead);
}

async function readNothing(run: RunHandle): Promise<RunState> {
  try {
    await stat(run.launch.host);
    return { type: "none" };
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    return { type: "unknown", why: `the folder ${run.launch.host} does not exist` };
  }
}

function isLauncher(here: Here, run: RunHandle, claim: Claim): boolean {
  const said = here.table.argumentsOf(claim.launcher.pid).slice(-3);
  return [run.owner, run.runId, run.control].every((word, index) => said[index] === word);
}

async function readProcesses(here: Here, run: RunHandle, claim: Claim): Promise<RunState> {
  const where = whereIs(claim.place, here.place);
  if (where === "elsewhere") return { type: "elsewhere", claim };
  // In this order: what a launcher that is dead now has recorded is all there will ever be.
  const launcherAlive = where === "here" && isAlive(here.table, claim.launcher);
  const agent = parseAgent(await readOwn(runFiles(run).agent), claim.token);
  const agentAlive = where === "here" && agent !== null && isAlive(here.table, agent);
  if (launcherAlive || agentAlive)
    return { type: "alive", claim, agent, launcherAlive, agentAlive };
  // It may have recorded the end and gone while we looked.
  const restarted = where === "gone";
  return (await readEnd(run)) ?? { type: "dead", claim, agent, restarted };
}
