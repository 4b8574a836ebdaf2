import type { Session } from "./state.ts";

type Collection =
  | "messages"
  | "outbox"
  | "approvals"
  | "deadLetters"
  | "answers"
  | "notes"
  | "deferred"
  | "remains"
  | "costs";
type MapOf<Name extends Collection> =
  Session[Name] extends ReadonlyMap<infer Key, infer Value> ? Map<Key, Value> : never;

/**
 * A state in the making. It shares everything with the state that it began from; a collection is
 * copied the first time that it is changed, so folding many events copies each at most once and the
 * state that it began from never changes.
 */
export class Draft {
  readonly state: { -readonly [Key in keyof Session]: Session[Key] };
  #copied: Set<Collection> | null = null;

  constructor(base: Session) {
    this.state = { ...base };
  }

  /** The collection, as one that may be changed. */
  edit<Name extends Collection>(name: Name): MapOf<Name> {
    this.#copied ??= new Set();
    if (!this.#copied.has(name)) {
      this.#copied.add(name);
      const copy = new Map(this.state[name] as ReadonlyMap<string, unknown>);
      (this.state as Record<Collection, unknown>)[name] = copy;
    }
    return this.state[name] as unknown as MapOf<Name>;
  }
}
