import { readFileSync } from "node:fs";

import { errnoOf } from "./mailbox-failure.ts";

/**
 * Whether the machine's own files give this uid, or gid, to an account or to the user namespace of
 * one. Accounts of a network directory are not seen: choose the mailbox's range outside of them.
 */
export function isTakenUid(uid: number): boolean {
  const isAccount = [...lines("/etc/passwd"), ...lines("/etc/group")].some(
    (fields) => fields[2] === String(uid),
  );
  return (
    isAccount ||
    [...lines("/etc/subuid"), ...lines("/etc/subgid")].some(([, first, count]) => {
      const offset = uid - Number(first);
      return offset >= 0 && offset < Number(count);
    })
  );
}

function lines(path: string): readonly (readonly string[])[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .map((line) => line.split(":"));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") {
      return [];
    }
    throw error;
  }
}
