import type { Policy } from "./policy.ts";

/**
 * How long to wait before a repeat, in milliseconds: doubles with each attempt up to the cap, minus
 * up to half of it. The share comes from the name, so that a decision needs no randomness and
 * sessions still spread out.
 */
export function backOff(
  policy: Pick<Policy, "retryMs" | "retryCapMs">,
  attempt: number,
  name: string,
): number {
  const full = Math.min(policy.retryCapMs, policy.retryMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full * (1 - share(`${name}#${attempt}`) / 2));
}

/** A number in [0, 1) that depends on the text alone (FNV-1a). */
function share(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) / 2 ** 32;
}
