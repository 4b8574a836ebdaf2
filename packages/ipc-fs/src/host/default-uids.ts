import { readFileSync } from "node:fs";

import { errnoOf } from "./mailbox-failure.ts";
import type { UidRange } from "./session-user.ts";

/** Above what systemd, rootless engines and accounts take, and below the sign bit. */
const HIGH: UidRange = { first: 1_900_000_000, count: 100_000_000 };

/**
 * The uids that sessions get where the user says nothing: a high range or, where the host itself
 * runs in a user namespace that lacks it, the upper half of the largest range that it has.
 */
export function defaultUids(): UidRange {
  const mapped = mappedRanges();
  const hasHigh = mapped.some(
    ({ first, count }) => first <= HIGH.first && first + count >= HIGH.first + HIGH.count,
  );
  const largest = mapped.toSorted((left, right) => right.count - left.count)[0];
  if (hasHigh || largest === undefined || largest.count < 2) {
    return HIGH;
  }
  const half = Math.floor(largest.count / 2);
  return { first: largest.first + largest.count - half, count: half };
}

function mappedRanges(): readonly UidRange[] {
  try {
    return readFileSync("/proc/self/uid_map", "utf8")
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number))
      .map(([first = 0, , count = 0]) => ({ first, count }));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      return [];
    }
    throw error;
  }
}
