/**
 * Throws a `TypeError` unless every store can keep the name: 1 to 512 characters, none of them a
 * control character. Lone surrogates become the same replacement character in UTF-8, so two names
 * would be one.
 */
export function checkName(what: string, name: string): void {
  if (
    typeof name === "string" &&
    name.length > 0 &&
    name.length <= 512 &&
    name.isWellFormed() &&
    !/\p{Cc}/u.test(name)
  )
    return;
  throw new TypeError(
    `The ${what} ${JSON.stringify(name)} is no name: give 1 to 512 characters without control characters.`,
  );
}
