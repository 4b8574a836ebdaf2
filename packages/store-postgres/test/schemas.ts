let made = 0;

/** A name for a schema that no other test of this process uses. */
export function newSchema(): string {
  made += 1;
  return `test_${process.pid}_${made}`;
}
