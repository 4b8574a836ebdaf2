import type { Credential, CredentialPlace } from "../control-words.ts";

/** How long the orchestrators may take to bring another credential, in milliseconds. */
const RENEW_MS = 5_000;
/** They are not asked more often, however many requests are refused. */
const RENEW_EVERY_MS = 10_000;

/** Credentials in memory, each in its place. */
export interface CredentialStore {
  get(place: CredentialPlace): Credential | undefined;
  /** A newer credential replaces the older one for every run that uses it. */
  set(place: CredentialPlace, credential: Credential): void;
  /** The upstream refused this credential. Resolves with whether there is another one now. */
  renew(place: CredentialPlace, refused: Credential): Promise<boolean>;
  /** Forgets those that none of these places needs. */
  keepOnly(places: Iterable<CredentialPlace>): void;
}

/**
 * Keeps credentials for as long as a run may need them. Never per process alone: two logs, and two
 * agents of one log, may share a root, and neither's key may pay for, or be sent to, what the other
 * configured.
 *
 * @param ask tells the orchestrators that a credential was refused; false where none is there.
 */
export function credentialStore(ask: (place: CredentialPlace) => boolean): CredentialStore {
  const credentials = new Map<string, Credential>();
  const asked = new Map<string, { readonly at: number; readonly over: Promise<void> }>();
  const answered = new Map<string, () => void>();

  const renewal = (place: CredentialPlace): Promise<void> => {
    const key = keyOf(place);
    const before = asked.get(key);
    if (before !== undefined && Date.now() - before.at < RENEW_EVERY_MS) return before.over;
    const { promise: over, resolve } = Promise.withResolvers<void>();
    asked.set(key, { at: Date.now(), over });
    answered.set(key, resolve);
    setTimeout(resolve, RENEW_MS).unref();
    if (!ask(place)) resolve();
    return over;
  };
  return {
    get: (place) => credentials.get(keyOf(place)),
    set(place, credential) {
      credentials.set(keyOf(place), credential);
      answered.get(keyOf(place))?.();
    },
    async renew(place, refused) {
      const isOther = (): boolean => credentials.get(keyOf(place))?.value !== refused.value;
      if (!isOther()) await renewal(place);
      return isOther();
    },
    keepOnly(places) {
      const needed = new Set([...places].map(keyOf));
      for (const key of credentials.keys()) if (!needed.has(key)) credentials.delete(key);
    },
  };
}

function keyOf({ keyring, name, upstream }: CredentialPlace): string {
  return JSON.stringify([keyring, name, upstream]);
}
