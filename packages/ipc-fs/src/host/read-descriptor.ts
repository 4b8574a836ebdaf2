import { readSync } from "node:fs";

/** At most `limit` bytes of an open file from its beginning; null where there are more. */
export function readDescriptor(descriptor: number, limit: number, expected: number): Buffer | null {
  let buffer = Buffer.allocUnsafe(Math.min(limit, expected) + 1);
  let length = 0;
  for (;;) {
    const read = readSync(descriptor, buffer, length, buffer.length - length, length);
    length += read;
    // A file that gave what it was measured to have, and not the one byte more that was asked for,
    // has no more.
    if (read === 0 || (length === expected && length < buffer.length)) {
      return buffer.subarray(0, length);
    }
    if (length > limit) {
      return null;
    }
    if (length === buffer.length) {
      // It grew after it was measured.
      const larger = Buffer.allocUnsafe(Math.min(limit + 1, buffer.length * 2));
      buffer.copy(larger, 0, 0, length);
      buffer = larger;
    }
  }
}
