/** A queue that one consumer reads as an async iterable. */
export interface EventQueue<Item> extends AsyncIterable<Item> {
  push(item: Item): void;
  /** Ends the iteration after what was pushed before; with an error, by throwing it. */
  end(error?: unknown): void;
}

/** Makes an empty queue. */
export function eventQueue<Item>(): EventQueue<Item> {
  const items: Item[] = [];
  let ending: { readonly error: unknown } | null = null;
  let wake = (): void => undefined;
  return {
    push(item) {
      items.push(item);
      wake();
    },
    end(error) {
      ending ??= { error };
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        yield* items.splice(0);
        if (items.length > 0) continue;
        if (ending !== null) {
          if (ending.error !== undefined) throw ending.error;
          return;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
