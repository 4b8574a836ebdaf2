import { linuxProcesses } from "./linux-processes.ts";
import { psProcesses } from "./ps-processes.ts";

/** One process, as the kernel tells of it. */
export interface ProcessEntry extends ProcessRef {
  readonly parent: number;
  /** The pid of the leader of its session; where sessions are not told, of its process group. */
  readonly session: number;
  /** False for a zombie: it keeps pid and start time until its parent looks, but it is over. */
  readonly alive: boolean;
}

/** What tells a process from every other one since the machine was booted. */
export interface ProcessRef {
  readonly pid: number;
  /** When it started, in the kernel's own unit: comparable within one boot. */
  readonly startTime: number;
}

/** The processes of this place. Reads are synchronous: they come out of the kernel's memory. */
export interface ProcessTable {
  find(pid: number): ProcessEntry | null;
  all(): readonly ProcessEntry[];
  /** Its command line; empty where it is gone or not ours to read. */
  argumentsOf(pid: number): readonly string[];
  /** A value of the environment that it was executed with; null where it is not there to be read. */
  environmentOf(pid: number, name: string): string | null;
}

/** The table of this platform. */
export function processTable(): ProcessTable {
  return process.platform === "linux" ? linuxProcesses() : psProcesses();
}

/** Whether this very process, and not a later one with its pid, still runs. */
export function isAlive(table: ProcessTable, ref: ProcessRef): boolean {
  const entry = table.find(ref.pid);
  return entry !== null && entry.startTime === ref.startTime && entry.alive;
}

/** Sends a signal to this very process. False where it is gone, or not ours to signal. */
export function signalProcess(
  table: ProcessTable,
  ref: ProcessRef,
  signal: NodeJS.Signals,
): boolean {
  if (!isAlive(table, ref)) return false;
  try {
    return process.kill(ref.pid, signal);
  } catch {
    // ESRCH: it ended in between. EPERM: it changed its user; whoever asked finds it alive later.
    return false;
  }
}
