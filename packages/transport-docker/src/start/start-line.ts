import type { RunPlan } from "@waybill/core";
import { leaseEndedName, markerName } from "../records/marker.ts";

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
  /** The run's lease has ended: nothing may begin under it. */
  lease: 123,
} as const;

/**
 * What the container runs in place of the image's own entry point: opens the streams, takes the
 * marker, and becomes the program.
 *
 * - `set -C` creates the marker exclusively; the tests before it also refuse a link or a pipe that
 *   the run itself may have left there, which `set -C` alone would write through or wait for.
 * - `exec` makes the program the one that TERM reaches.
 * - The braces give a stream that cannot be opened its own code; without them the shell just ends.
 * - A run with a lease leaves a shell behind that looks after it: `$$` is the program by then.
 */
export function startLine(plan: RunPlan, token: string, argv: readonly string[]): string[] {
  const marker = `${plan.launch.at}/${markerName}`;
  const streams = [plan.stdin.at, plan.stdout.at, plan.stderr.at];
  return ["-c", script, "sh", marker, token, ...streams, ...leaseOf(plan), ...argv];
}

/** The file of the lease, how long it is, between two looks, and from TERM to KILL, in seconds. */
function leaseOf({ lease }: RunPlan): readonly string[] {
  if (lease === undefined) return ["", "0", "0", "0"];
  const look = Math.min(Math.max(lease.ms / 20_000, 1), 5);
  const seconds = [lease.ms / 1_000, look, lease.graceMs / 1_000];
  return [lease.file.at, ...seconds.map((each) => String(Math.ceil(each)))];
}

/**
 * The lease has ended once its instant is past by the wall clock, and also once nobody renewed it
 * for its whole length while the shell looked, so that a wall clock that is set back lengthens no life.
 */
const script = `ended() { read -r ends <"$1" || ends=$last; [ "$(date +%s)000" -ge "\${ends:-0}" ]; }
keep() {
  last= quiet=0
  while sleep "$3" && kill -0 $$; do
    if ended "$1" || [ "$quiet" -ge "$2" ]; then
      echo >"$5/${leaseEndedName}"
      kill -TERM $$; sleep "$4"; kill -KILL $$
      return
    fi
    if [ "$ends" = "$last" ]; then quiet=$((quiet + $3)); else quiet=0; fi
    last=$ends
  done
}
{
  command -v "\${10}" >/dev/null && case "\${10}" in */*) [ -x "\${10}" ] ;; esac || exit ${startLineCode.command}
  [ -z "$6" ] || ! ended "$6" || exit ${startLineCode.lease}
  [ ! -e "$1" ] && [ ! -L "$1" ] && set -C && echo "$2" >"$1" || exit ${startLineCode.marker}
  set +C
  if [ -n "$6" ]; then keep "$6" "$7" "$8" "$9" "\${1%/*}" </dev/null >/dev/null 2>&1 & fi
  shift 9
  exec "$@"
} <"$3" >>"$4" 2>>"$5" || exit ${startLineCode.streams}`;
