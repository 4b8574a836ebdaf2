/** The whole number that an option says. Throws a `TypeError` where it says none. */
export function count(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`--${name} is "${text}". Give a whole number.`);
}
