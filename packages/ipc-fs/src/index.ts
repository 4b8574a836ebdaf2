export { fsMailbox } from "./fs-mailbox.ts";
export type { FsMailboxOptions } from "./fs-mailbox.ts";
export type { UidRange } from "./host/session-user.ts";
