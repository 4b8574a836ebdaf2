import type { AgentWord } from "@waybill/core";

import { FILE_BYTES } from "../protocol/limits.ts";
import { readOldOperation } from "../protocol/old-operation.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { mailboxFailure } from "./mailbox-failure.ts";
import type { FolderReading, SafeFolder } from "./safe-folder.ts";
import type { SpoolEntry } from "./spool.ts";

/** An old agent may write its files in place: one that is no JSON yet may still grow. */
const GROWING_MS = 500;

/** Protocol 0: reads what was taken into the spool. The result gives null for "not yet". */
export function oldFileWords(options: {
  readonly spool: SafeFolder;
  readonly deadLetters: DeadLetters;
  /** How long a file may be held before it is given up, in milliseconds. */
  readonly patienceMs: number;
}): (entry: SpoolEntry) => AgentWord | null {
  const { spool, deadLetters, patienceMs } = options;
  let waitingSince: number | null = null;

  const isPatienceOver = (): boolean => {
    waitingSince ??= performance.now();
    return performance.now() - waitingSince >= patienceMs;
  };

  const wordOf = (entry: SpoolEntry, reading: FolderReading): AgentWord | null => {
    switch (reading.type) {
      case "file": {
        const { bytes, changedAt } = reading;
        const operation = readOldOperation(bytes);
        if (operation.ok) {
          return { type: "operation", operation: operation.value };
        }
        const mayGrow = operation.code === "NOT_JSON" && Date.now() - changedAt < GROWING_MS;
        return mayGrow ? null : unreadable(entry, operation, bytes);
      }
      case "refused":
        return unreadable(entry, reading, null);
      case "absent":
        return unreadable(
          entry,
          { code: "VANISHED", reason: "It is not in the spool any more." },
          null,
        );
      case "busy":
        return isPatienceOver()
          ? unreadable(
              entry,
              { code: "HELD", reason: `It cannot be opened: ${reading.reason}` },
              null,
            )
          : null;
      case "unreachable":
        if (isPatienceOver()) {
          throw mailboxFailure(reading.error, "read the spool", spool.watchPath);
        }
        return null;
      default:
        return reading satisfies never;
    }
  };

  const unreadable = (
    { seq, name }: SpoolEntry,
    { code, reason }: { readonly code: string; readonly reason: string },
    bytes: Uint8Array | null,
  ): AgentWord => {
    deadLetters.keep({ seq, origin: `spool/${name}`, code, reason, bytes });
    return { type: "unreadable", code, reason };
  };

  return (entry) => {
    const word = wordOf(entry, spool.read(entry.name, FILE_BYTES, true));
    if (word !== null) {
      waitingSince = null;
    }
    return word;
  };
}
