import type { Instant } from "../ids.ts";

/** A fact: its type is its name in code, in the log and in a grep; its data is JSON-safe. */
export type Event<Type extends string, Data extends object> = {
  readonly type: Type;
  readonly data: Readonly<Data>;
};

/** A fact with the instant at which it was recorded: what `evolve` folds. */
export type Recorded<E> = E & { readonly recordedAt: Instant };
