export { referenceTracker } from "./reference-tracker.ts";
export type { ReferenceTracker, ReferenceTrackerOptions } from "./reference-tracker.ts";
export { tally } from "./tally.ts";
export type { Tally } from "./tally.ts";
export type { BoardRecords, ChatSeed, TaskSeed } from "./board.ts";
export type { ChangeRow, ChatRow, CommentRow, MessageRow, TaskRow } from "./board-rows.ts";
export type { Fault, FaultSwitch, FaultTarget } from "./fault-switch.ts";
