/**
 * Throws a `TypeError` that names the place unless the value survives
 * `JSON.parse(JSON.stringify(value))` unchanged.
 *
 * @param place what the value is, for the message: `"the data of event e-1"`.
 */
export function assertJson(value: unknown, place: string): void {
  check(value, place, []);
}

function check(value: unknown, place: string, parents: readonly object[]): void {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) refuse(place, String(value));
    return;
  }
  if (typeof value !== "object")
    refuse(place, value === undefined ? "undefined" : `a ${typeof value}`);
  if (parents.includes(value)) refuse(place, "a reference to itself");
  const path = [...parents, value];
  if (Array.isArray(value)) {
    // By index and not by forEach, which would pass over the holes.
    for (let index = 0; index < value.length; index += 1)
      check(value[index], `${place}[${index}]`, path);
    return;
  }
  if (!isPlain(value)) refuse(place, `an instance of ${value.constructor.name}`);
  if (Object.getOwnPropertySymbols(value).length > 0) refuse(place, "a property named by a symbol");
  for (const [name, item] of Object.entries(value)) check(item, `${place}.${name}`, path);
}

/** Plain in any realm: its prototype is null or a prototype that has none itself. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null;
}

function refuse(place: string, what: string): never {
  throw new TypeError(`${place} is ${what}, which JSON cannot carry.`);
}
