import { readFileSync, readdirSync } from "node:fs";
import type { ProcessEntry, ProcessTable } from "./process-table.ts";

/** Reads processes from /proc (proc(5)). */
export function linuxProcesses(): ProcessTable {
  return {
    find: readStat,
    all: () =>
      readdirSync("/proc")
        .filter((name) => /^\d+$/u.test(name))
        .map((name) => readStat(Number(name)))
        .filter((entry) => entry !== null),
    argumentsOf: (pid) => readList(pid, "cmdline"),
    environmentOf: (pid, name) => {
      const found = readList(pid, "environ").find((entry) => entry.startsWith(`${name}=`));
      return found === undefined ? null : found.slice(name.length + 1);
    },
  };
}

function readStat(pid: number): ProcessEntry | null {
  const stat = readProc(pid, "stat");
  if (stat === null) return null;
  // The name is in parentheses and may hold parentheses and spaces: the fields begin after the last.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parent, , session] = fields;
  const startTime = fields[19];
  if (state === undefined || startTime === undefined) return null;
  return {
    pid,
    parent: Number(parent),
    session: Number(session),
    startTime: Number(startTime),
    alive: !/[ZXx]/u.test(state),
  };
}

function readList(pid: number, file: "cmdline" | "environ"): string[] {
  const text = readProc(pid, file);
  return text === null ? [] : text.split("\0").slice(0, -1);
}

function readProc(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    // ENOENT or ESRCH: it is gone. EACCES: it is another user's, so it is none of ours.
    return null;
  }
}
