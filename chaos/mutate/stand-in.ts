// Stands in for vitest while mutants are judged: the same test files, collected instead of run, so that
// one process can run each of them thousands of times. Knows the matchers that they use.
import assert from "node:assert/strict";

/** A test that was collected. */
export interface Collected {
  readonly name: string;
  readonly run: () => Promise<void>;
}

type Body = (...values: readonly unknown[]) => unknown;

const collected: Collected[] = [];
const around: string[] = [];
let cleanUps: Body[] = [];

/** Gives what was collected since it was last asked. */
export function takeCollected(): readonly Collected[] {
  cleanUps = [];
  return collected.splice(0);
}

/** As vitest's. */
export const test: Collector = collector((name, body) => {
  const own = cleanUps;
  collected.push({
    name: [...around, name].join(" > "),
    run: async () => {
      try {
        await body();
      } finally {
        for (const cleanUp of own) await cleanUp();
      }
    },
  });
});

/** As vitest's. */
export const describe: Collector = collector((name, body) => {
  around.push(name);
  body();
  around.pop();
});

/** As vitest's. */
export function afterEach(body: Body): void {
  cleanUps.push(body);
}

interface Collector {
  /** A test that fails today proves nothing about tomorrow: it is left out. */
  readonly fails: (name: string, body: Body) => void;
  readonly skipIf: (isSkipped: boolean) => (name: string, body: Body) => void;
  (name: string, ...rest: readonly unknown[]): void;
  readonly each: (rows: readonly unknown[]) => (name: string, body: Body) => void;
}

function collector(take: (name: string, body: Body) => void): Collector {
  const one = (name: string, ...rest: readonly unknown[]): void =>
    take(name, rest.find((part) => typeof part === "function") as Body);
  const each =
    (rows: readonly unknown[]) =>
    (name: string, body: Body): void => {
      for (const row of rows) {
        const values = Array.isArray(row) ? row : [row];
        take(`${name} ${String(values[0])}`, () => body(...values));
      }
    };
  const skipIf = (isSkipped: boolean): typeof one => (isSkipped ? () => {} : one);
  return Object.assign(one, { each, skipIf, fails: () => {} });
}

type Check = (...values: readonly unknown[]) => unknown;
type Matchers = Readonly<Record<string, Check>>;

/** Something that stands for many values. */
class Like {
  readonly fits: (value: unknown) => boolean;
  constructor(fits: (value: unknown) => boolean) {
    this.fits = fits;
  }
}

/** What stands for many values, as vitest's. */
const like = {
  anything: (): Like => new Like((value) => value !== null && value !== undefined),
  any: (kind: { readonly name: string }): Like =>
    new Like((value) => (value as object | null)?.constructor === kind),
  closeTo: (to: number, digits = 2): Like =>
    new Like((value) => Math.abs(Number(value) - to) < 10 ** -digits / 2),
  stringMatching: (pattern: RegExp): Like => new Like((value) => pattern.test(String(value))),
  stringContaining: (part: string): Like => new Like((value) => String(value).includes(part)),
  objectContaining: (parts: object): Like => new Like((value) => isPart(value, parts)),
  arrayContaining: (items: readonly unknown[]): Like =>
    new Like((value) =>
      items.every((item) => [...(value as unknown[])].some((each) => isAlike(each, item))),
    ),
};

/** As vitest's. */
export const expect: typeof expectation & typeof like = Object.assign(expectation, like);

function expectation(actual: unknown, _message?: string): Readonly<Record<string, unknown>> {
  return {
    ...matchers(actual),
    not: negated(matchers(actual)),
    resolves: later(async () => actual),
    rejects: later(async () => {
      const error: unknown = await Promise.resolve(actual).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      assert.ok(error !== undefined, "it does not reject");
      return error;
    }),
  };
}

function negated(all: Matchers): Matchers {
  return Object.fromEntries(
    Object.entries(all).map(([name, check]) => [
      name,
      (...values) => assert.throws(() => check(...values)),
    ]),
  );
}

function later(settle: () => Promise<unknown>): Matchers {
  return Object.fromEntries(
    Object.keys(matchers(null)).map((name) => [
      name,
      async (...values: readonly unknown[]) => matchers(await settle())[name]?.(...values),
    ]),
  );
}

function matchers(actual: unknown): Matchers {
  const size = actual as { readonly length: number };
  return {
    toBe: (expected) => assert.ok(Object.is(actual, expected), "it is another"),
    toEqual: (expected) => assertAlike(actual, expected),
    toStrictEqual: (expected) => assert.deepEqual(actual, expected),
    toMatchObject: (expected) => assertMatches(actual, expected),
    toContain: (item) => assert.ok((actual as string).includes(item as string), "it is not in it"),
    toContainEqual: (item) => {
      const isThere = [...(actual as Iterable<unknown>)].some((each) => isAlike(each, item));
      assert.ok(isThere);
    },
    toHaveLength: (length) => assert.equal(size.length, length),
    toHaveProperty: (...[path, ...value]) => {
      const parts = String(path).split(".");
      const own = (whole: unknown, part: string): unknown =>
        (whole as Readonly<Record<string, unknown>> | null | undefined)?.[part];
      const found = parts.reduce(own, actual);
      assert.ok(
        Object.hasOwn(new Object(parts.slice(0, -1).reduce(own, actual)), parts.at(-1) ?? ""),
      );
      if (value.length > 0) assertAlike(found, value[0]);
    },
    toMatch: (pattern) => {
      if (pattern instanceof RegExp) assert.match(String(actual), pattern);
      else assert.ok(String(actual).includes(String(pattern)));
    },
    toBeDefined: () => assert.notEqual(actual, undefined),
    toBeUndefined: () => assert.equal(actual, undefined),
    toBeNull: () => assert.equal(actual, null),
    toBeTruthy: () => assert.ok(actual),
    toBeCloseTo: (expected, digits = 2) => {
      const distance = Math.abs(Number(actual) - Number(expected));
      assert.ok(distance < 10 ** -Number(digits) / 2, "it is not close");
    },
    toBeGreaterThan: (than) => assert.ok(Number(actual) > Number(than)),
    toBeGreaterThanOrEqual: (than) => assert.ok(Number(actual) >= Number(than)),
    toBeLessThan: (than) => assert.ok(Number(actual) < Number(than)),
    toBeLessThanOrEqual: (than) => assert.ok(Number(actual) <= Number(than)),
    toThrow: (expected) => {
      const error = thrownBy(actual as () => void);
      assert.ok(error !== undefined, "it does not throw");
      if (expected !== undefined && typeof expected === "object") assertThrown(error, expected);
    },
  };
}

function thrownBy(act: () => void): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
}

function assertThrown(error: unknown, expected: unknown): void {
  if (expected instanceof RegExp) assert.match(String(error), expected);
  else assertMatches(error, expected);
}

/** Without fields that are undefined, as `toEqual` sees it. */
function defined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(defined);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, defined(item)]));
  if (value === null || typeof value !== "object" || value instanceof Set) return value;
  if (value instanceof Error) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      item === undefined ? [] : [[key, defined(item)]],
    ),
  );
}

function assertAlike(actual: unknown, expected: unknown): void {
  assert.deepEqual(defined(actual), defined(fitted(actual, expected)));
}

/** What was expected, with the actual value wherever something stands for it that it fits. */
function fitted(actual: unknown, expected: unknown): unknown {
  if (expected instanceof Like) return expected.fits(actual) ? actual : expected;
  if (Array.isArray(expected)) {
    const items: readonly unknown[] = Array.isArray(actual) ? actual : [];
    return expected.map((item, place) => fitted(items[place], item));
  }
  if (expected === null || typeof expected !== "object" || !isPlain(expected)) return expected;
  const parts = (actual ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(expected).map(([name, part]) => [name, fitted(parts[name], part)]),
  );
}

function isPlain(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype;
}

function isAlike(one: unknown, other: unknown): boolean {
  return passes(() => assertAlike(one, other));
}

function isPart(whole: unknown, part: unknown): boolean {
  return passes(() => assertMatches(whole, part));
}

function passes(check: () => void): boolean {
  return thrownBy(check) === undefined;
}

function assertMatches(actual: unknown, expected: unknown): void {
  if (expected instanceof Like) return assert.ok(expected.fits(actual));
  if (expected === null || typeof expected !== "object" || expected instanceof Map) {
    return assert.deepEqual(actual, expected);
  }
  assert.ok(actual !== null && typeof actual === "object");
  if (Array.isArray(expected)) assert.equal((actual as unknown[]).length, expected.length);
  for (const [key, part] of Object.entries(expected)) {
    assertMatches((actual as Record<string, unknown>)[key], part);
  }
}
