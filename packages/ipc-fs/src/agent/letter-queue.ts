/** A queue that one consumer reads as an async iterable. */
export interface LetterQueue<Letter> extends AsyncIterable<Letter> {
  push(letter: Letter): void;
  /** Ends the iteration once everything pushed before was taken. */
  end(): void;
  /** As `end`, by throwing. */
  fail(error: unknown): void;
}

/** Makes an empty queue. Breaking out of the loop keeps the rest for the next loop. */
export function letterQueue<Letter>(): LetterQueue<Letter> {
  const items: Letter[] = [];
  let ending: { readonly error?: unknown } | null = null;
  let wake: (() => void) | null = null;

  const notify = (): void => {
    wake?.();
    wake = null;
  };
  const finish = (how: { readonly error?: unknown }): void => {
    ending ??= how;
    notify();
  };

  return {
    push(letter) {
      if (ending === null) {
        items.push(letter);
        notify();
      }
    },
    end: () => finish({}),
    fail: (error) => finish({ error }),
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const next = items.shift();
        if (next !== undefined) {
          yield next;
        } else if (ending === null) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        } else if ("error" in ending) {
          throw ending.error;
        } else {
          return;
        }
      }
    },
  };
}
