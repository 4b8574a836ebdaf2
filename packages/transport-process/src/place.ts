import { readFileSync, readlinkSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { hostname } from "node:os";

/** What a pid has to be read together with: the same number means nothing anywhere else. */
export interface Place {
  readonly host: string;
  /** Changes with every boot of the machine. */
  readonly bootId: string;
  /** Linux: the pid namespace (a container has its own); empty elsewhere. */
  readonly pidNamespace: string;
}

/** The place where this process runs. */
export function thisPlace(): Place {
  return { host: hostname(), ...(process.platform === "linux" ? linuxPlace() : darwinPlace()) };
}

/**
 * Where a recorded place is, seen from here. `gone` is evidence that its processes are dead: the
 * machine, or the container on it, was restarted. `elsewhere` is no evidence of anything.
 */
export function whereIs(recorded: Place, here: Place): "here" | "gone" | "elsewhere" {
  if (recorded.bootId === here.bootId && recorded.pidNamespace === here.pidNamespace) return "here";
  return recorded.host === here.host ? "gone" : "elsewhere";
}

function linuxPlace(): Omit<Place, "host"> {
  return {
    bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    pidNamespace: readlinkSync("/proc/self/ns/pid"),
  };
}

function darwinPlace(): Omit<Place, "host"> {
  const bootId = execFileSync("sysctl", ["-n", "kern.bootsessionuuid"], {
    encoding: "utf8",
  }).trim();
  return { bootId, pidNamespace: "" };
}
