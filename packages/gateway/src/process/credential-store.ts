import type { Credential } from "../control-words.ts";
import type { WaySpec } from "../way-spec.ts";

/** Credentials in memory, per owner and upstream. */
export interface CredentialStore {
  get(way: WaySpec): Credential | undefined;
  /** A newer credential replaces the older one for every run of that owner and upstream. */
  set(way: WaySpec, credential: Credential): void;
  dropUnused(way: WaySpec, remaining: Iterable<{ readonly spec: WaySpec }>): void;
}

/**
 * Keeps credentials for as long as a run may need them. Never per process alone: two logs may share
 * a root, and neither's key may pay for, or be sent to, what the other configured.
 */
export function credentialStore(): CredentialStore {
  const credentials = new Map<string, Credential>();
  return {
    get: (way) => credentials.get(keyOf(way)),
    set: (way, credential) => void credentials.set(keyOf(way), credential),
    dropUnused(way, remaining) {
      for (const { spec } of remaining) if (keyOf(spec) === keyOf(way)) return;
      credentials.delete(keyOf(way));
    },
  };
}

function keyOf(way: WaySpec): string {
  return JSON.stringify([way.owner, way.upstream]);
}
