import type { EventStore, NewEvent } from "@waybill/core";

/** The store, and how many events were appended to it through here. */
export function countingStore(store: EventStore): {
  readonly store: EventStore;
  readonly count: () => number;
} {
  let events = 0;
  return {
    count: () => events,
    store: new Proxy(store, {
      get(target, property, receiver) {
        const value: unknown = Reflect.get(target, property, receiver);
        if (typeof value !== "function") return value;
        return (...values: readonly unknown[]): unknown => {
          if (property === "append") events += (values[2] as readonly NewEvent[]).length;
          return Reflect.apply(value, target, values);
        };
      },
    }),
  };
}
