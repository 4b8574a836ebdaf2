/** Whether the process that uses these parts still lives. */
export interface Life {
  readonly alive: boolean;
}

/**
 * The same part, used by a process that can die: from then on every call to it waits for ever, as a
 * process that was killed never hears an answer, and what it had asked for may have happened.
 */
export function mortal<Part extends object>(part: Part, life: Life): Part {
  return new Proxy(part, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== "function") return value;
      return (...values: unknown[]): unknown => {
        if (!life.alive) return never();
        const result: unknown = Reflect.apply(value, target, values);
        if (result instanceof Promise) return result.then((answer) => (life.alive ? answer : never()));
        return isIterable(result) ? mortalIteration(result, life) : result;
      };
    },
  });
}

async function* mortalIteration(
  source: AsyncIterable<unknown>,
  life: Life,
): AsyncGenerator<unknown> {
  for await (const item of source) {
    if (!life.alive) await never();
    yield item;
    if (!life.alive) await never();
  }
  if (!life.alive) await never();
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function never(): Promise<never> {
  return new Promise(() => {});
}
