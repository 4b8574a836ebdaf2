import { execFileSync } from "node:child_process";
import type { ProcessEntry, ProcessTable } from "./process-table.ts";

/**
 * Reads processes through ps, for macOS. Sessions are not told there, so a process group stands in.
 * A control path with a space in it cannot be read back.
 */
export function psProcesses(): ProcessTable {
  return {
    find: (pid) => parsePs(ps(["-p", String(pid), "-o", columns]))[0] ?? null,
    all: () => parsePs(ps(["-axo", columns])),
    argumentsOf: (pid) =>
      ps(["-ww", "-p", String(pid), "-o", "command="])
        .trim()
        .split(" "),
    environmentOf: (pid, name) => {
      const words = ps(["-Eww", "-p", String(pid), "-o", "command="])
        .trim()
        .split(" ");
      const found = words.find((word) => word.startsWith(`${name}=`));
      return found === undefined ? null : found.slice(name.length + 1);
    },
  };
}

const columns = "pid=,ppid=,pgid=,stat=,lstart=";

/** The entries in the output of `ps -o pid=,ppid=,pgid=,stat=,lstart=`. */
export function parsePs(output: string): ProcessEntry[] {
  return output.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/u.exec(line);
    if (match === null) return [];
    const [, pid, parent, group, state, started] = match;
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        session: Number(group),
        startTime: Date.parse(`${started} UTC`),
        alive: !/^[ZX]/u.test(state ?? ""),
      },
    ];
  });
}

function ps(args: readonly string[]): string {
  try {
    const env = { PATH: process.env["PATH"] ?? "/bin:/usr/bin", LC_ALL: "C", TZ: "UTC" };
    return execFileSync("ps", args, { encoding: "utf8", env, stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    // ps exits 1 where no process matches.
    return "";
  }
}
