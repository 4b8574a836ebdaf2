import { join } from "node:path";
import type { RunExit, RunHandle } from "@waybill/core";
import type { Place } from "./place.ts";
import type { ProcessRef } from "./process-table.ts";

/** Who won the right to run this run id. Lies in `launch/started` and, safe from the run, in `control`. */
export interface Claim {
  readonly run: RunHandle;
  /** Random: ties the agent's record to this claim. */
  readonly token: string;
  readonly launcher: ProcessRef;
  readonly place: Place;
}

/** The agent's own process, recorded before it is executed. */
export interface AgentRecord extends ProcessRef {
  readonly token: string;
}

/** The files of a run. All but `marker` lie in the folder that only the host may enter. */
export function runFiles(run: RunHandle): {
  readonly marker: string;
  readonly claim: string;
  readonly agent: string;
  readonly exit: string;
  readonly forbidden: string;
  readonly log: string;
} {
  return {
    marker: join(run.launch.host, "started"),
    claim: join(run.control, "launcher.json"),
    agent: join(run.control, "agent.json"),
    exit: join(run.control, "exit.json"),
    forbidden: join(run.control, "stopped.json"),
    log: join(run.control, "launcher.log"),
  };
}

/** What `stop` puts in the marker's place, so that no later start can win. */
export const tombstone = { v: 1, stopped: true } as const;

/** Whether the marker is a tombstone. */
export function isTombstone(value: unknown): boolean {
  return isObject(value) && value["stopped"] === true;
}

/** The claim in a record; null where it is none. */
export function parseClaim(value: unknown): Claim | null {
  if (!isObject(value)) return null;
  const { token, run, launcher, place } = value;
  const [handle, ref, where] = [parseHandle(run), parseRef(launcher), parsePlace(place)];
  if (typeof token !== "string" || handle === null || ref === null || where === null) return null;
  return { token, run: handle, launcher: ref, place: where };
}

/** The agent's process in a record; null where it is none, or belongs to another claim. */
export function parseAgent(value: unknown, token: string): AgentRecord | null {
  const ref = parseRef(value);
  if (ref === null || !isObject(value) || value["token"] !== token) return null;
  return { ...ref, token };
}

/** The exit in a record; null where it is none. */
export function parseExit(value: unknown): RunExit | null {
  if (!isObject(value)) return null;
  const { exitCode, signal, detail } = value;
  if (exitCode !== null && typeof exitCode !== "number") return null;
  if (signal !== null && typeof signal !== "string") return null;
  const told = typeof detail === "string" ? { detail } : {};
  return { exitCode, signal, oomKilled: false, ...told };
}

/** The run's handle in a record; null where it is none. */
export function parseHandle(value: unknown): RunHandle | null {
  if (!isObject(value)) return null;
  const { owner, sessionId, runId, epoch, control, launch } = value;
  if (typeof owner !== "string" || typeof sessionId !== "string") return null;
  if (typeof runId !== "string" || typeof epoch !== "number") return null;
  if (typeof control !== "string" || !isObject(launch)) return null;
  const { host, at } = launch;
  if (typeof host !== "string" || typeof at !== "string") return null;
  return { owner, sessionId, runId, epoch, control, launch: { host, at } };
}

/** The process in a record; null where it names none. */
export function parseRef(value: unknown): ProcessRef | null {
  if (!isObject(value)) return null;
  const { pid, startTime } = value;
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid < 2) return null;
  return typeof startTime === "number" ? { pid, startTime } : null;
}

/** Whether it is a JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsePlace(value: unknown): Place | null {
  if (!isObject(value)) return null;
  const { host, bootId, pidNamespace } = value;
  if (typeof host !== "string" || typeof bootId !== "string") return null;
  return typeof pidNamespace === "string" ? { host, bootId, pidNamespace } : null;
}
