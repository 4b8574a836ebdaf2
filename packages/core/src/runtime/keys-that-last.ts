import type { TrackerCapabilities } from "../ports/tracker.ts";
import type { Policy } from "../session/policy.ts";

/** The last call of an operation may begin when its time runs out, and take a while. */
const lastCallMs = 60_000;

/**
 * Whether a call may be repeated under its key for as long as operations are tried. A board that
 * forgets keys sooner would do it again: there a doubt is settled by a look-up, as without keys.
 */
export function keysThatLast(
  capabilities: TrackerCapabilities | undefined,
  { operationMs }: Pick<Policy, "operationMs">,
): boolean {
  if (capabilities?.idempotencyKeys !== true) return false;
  const { keysKeptMs } = capabilities;
  return keysKeptMs === null || keysKeptMs >= operationMs + lastCallMs;
}
