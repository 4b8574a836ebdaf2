import type { EventStore, NewEvent } from "@waybill/core";

/** One append. */
export interface Made {
  readonly stream: string;
  readonly events: readonly NewEvent[];
}

/** The store, and every append that was made to it through here, in order. */
export function countingStore(store: EventStore): {
  readonly store: EventStore;
  readonly made: readonly Made[];
} {
  const made: Made[] = [];
  return {
    made,
    store: new Proxy(store, {
      get(target, property, receiver) {
        const value: unknown = Reflect.get(target, property, receiver);
        if (typeof value !== "function") return value;
        return (...values: readonly unknown[]): unknown => {
          if (property === "append") {
            made.push({ stream: values[0] as string, events: values[2] as readonly NewEvent[] });
          }
          return Reflect.apply(value, target, values);
        };
      },
    }),
  };
}
