/** The life of a process: every call that it makes passes through here, twice. */
export interface Life {
  /** False from the moment of its death. */
  readonly alive: boolean;
  /** A point in its life, at which it may die. Tells whether it lives on. */
  pass(point: string): boolean;
}

/**
 * The same part, used by a process that can die before and after any call. From then on every call
 * waits for ever, as a process that was killed never hears an answer; what it had asked for before
 * its death happened, and nobody knows.
 */
export function mortal<Part extends object>(part: Part, name: string, life: Life): Part {
  return new Proxy(part, {
    get(target, property, receiver) {
      const value: unknown = Reflect.get(target, property, receiver);
      if (typeof value !== "function") return value;
      const point = `${name}.${String(property)}`;
      return (...values: unknown[]): unknown => {
        if (!life.alive) return never();
        if (iterations.has(point)) {
          return mortalIteration(Reflect.apply(value, target, values), point, life);
        }
        if (!life.pass(`before ${point}`)) return never();
        const result: unknown = Reflect.apply(value, target, values);
        if (!(result instanceof Promise)) return result;
        return result.then(
          (answer) => (life.alive && life.pass(`after ${point}`) ? answer : never()),
          (error: unknown) => (life.alive ? Promise.reject(error) : never()),
        );
      };
    },
  });
}

const iterations = new Set(["store.read", "store.readAll", "mailbox.receive", "transport.watch"]);

async function* mortalIteration(
  source: AsyncIterable<unknown>,
  point: string,
  life: Life,
): AsyncGenerator {
  for await (const item of source) {
    if (!life.alive || !life.pass(`before item of ${point}`)) await never();
    yield item;
    if (!life.alive || !life.pass(`after item of ${point}`)) await never();
  }
  if (!life.alive) await never();
}

function never(): Promise<never> {
  return new Promise(() => {});
}
