export { fsMailbox } from "./fs-mailbox.ts";
export type { FsMailboxOptions } from "./fs-mailbox.ts";
export type { DeadLetterName, FsMailbox, KeptDeadLetter } from "./fs-mailbox-type.ts";
export type { OutboxQuota } from "./host/folder-quota.ts";
export type { UidRange } from "./host/session-user.ts";
