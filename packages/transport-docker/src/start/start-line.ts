import type { RunPlan } from "@waybill/core";
import { markerName } from "../records/marker.ts";

/**
 * Exit codes of the start line itself, before the program runs. A program may exit with the same
 * code: the marker tells, since a start line that holds it has nothing left to fail at but `exec`.
 */
export const startLineCode = {
  /** Standard input, output or error could not be opened. */
  streams: 120,
  /** The marker was there already, or could not be made. */
  marker: 121,
  /** The program is not there, or is not executable. */
  command: 122,
} as const;

/**
 * What the container runs in place of the image's own entry point: opens the streams, takes the
 * marker, and becomes the program.
 *
 * - `set -C` creates the marker exclusively; the tests before it also refuse a link or a pipe that
 *   the run itself may have left there, which `set -C` alone would write through or wait for.
 * - `exec` makes the program the one that TERM reaches.
 * - The braces give a stream that cannot be opened its own code; without them the shell just ends.
 */
export function startLine(plan: RunPlan, token: string, argv: readonly string[]): string[] {
  const marker = `${plan.launch.at}/${markerName}`;
  const streams = [plan.stdin.at, plan.stdout.at, plan.stderr.at];
  return ["-c", script, "sh", marker, token, ...streams, ...argv];
}

const script = `{
  command -v "$6" >/dev/null && case "$6" in */*) [ -x "$6" ] ;; esac || exit ${startLineCode.command}
  [ ! -e "$1" ] && [ ! -L "$1" ] && set -C && echo "$2" >"$1" || exit ${startLineCode.marker}
  set +C
  shift 5
  exec "$@"
} <"$3" >>"$4" 2>>"$5" || exit ${startLineCode.streams}`;
