import { checkName } from "./check-name.ts";

/** What every event store refuses of a checkpoint before it looks: a `TypeError` for the caller. */
export function checkCheckpoint(name: string, ...values: readonly (string | null)[]): void {
  checkName("checkpoint", name);
  for (const value of values) {
    if (value === null) continue;
    if (
      typeof value === "string" &&
      value.length <= LONGEST &&
      value.isWellFormed() &&
      !value.includes("\0")
    )
      continue;
    throw new TypeError(
      `The value of the checkpoint ${name} must be null or at most ${LONGEST} characters without U+0000.`,
    );
  }
}

const LONGEST = 4_096;
